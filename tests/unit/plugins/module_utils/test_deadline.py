# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Work ends within its limit, whatever it swallows, and leaves neither an alarm nor a handler behind."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import signal
import threading
import time

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import deadline


def at_rest():
    return signal.getitimer(signal.ITIMER_REAL)[0] == 0 and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_work_in_time_is_left_alone():
    with deadline.within(5):
        found = 1
    assert found == 1 and at_rest()


def test_work_that_takes_too_long_is_ended():
    began = deadline.now()
    with pytest.raises(deadline.TimeIsUp):
        with deadline.within(0.2):
            time.sleep(20)
    assert deadline.now() - began < 5 and at_rest()


def test_code_that_catches_every_exception_is_no_way_out():
    with pytest.raises(deadline.TimeIsUp):
        with deadline.within(0.2):
            try:
                time.sleep(20)
            except Exception:
                pytest.fail("the alarm was caught")


def test_code_that_swallows_the_alarm_itself_is_rung_at_again():
    with pytest.raises(deadline.TimeIsUp):
        with deadline.within(0.1):
            try:
                time.sleep(20)
            except BaseException:
                pass
            time.sleep(20)
    assert at_rest()


def test_an_error_of_the_work_comes_through():
    with pytest.raises(KeyError):
        with deadline.within(5):
            raise KeyError("x")
    assert at_rest()


def test_the_shorter_limit_of_two_holds_and_the_outer_one_goes_on():
    began = deadline.now()
    with pytest.raises(deadline.TimeIsUp):
        with deadline.within(0.2):
            with deadline.within(30):
                time.sleep(20)
    assert deadline.now() - began < 5 and at_rest()
    with pytest.raises(deadline.TimeIsUp):
        with deadline.within(0.6):
            with deadline.within(30):
                pass
            time.sleep(20)
    assert deadline.now() - began < 10 and at_rest()


def test_an_inner_limit_does_not_end_the_outer_work():
    with deadline.within(30):
        with pytest.raises(deadline.TimeIsUp):
            with deadline.within(0.1):
                time.sleep(20)
        left = signal.getitimer(signal.ITIMER_REAL)[0]
    assert 20 < left < 30 and at_rest()


def test_beside_the_main_thread_there_is_no_limit_and_no_error():
    done = []

    def work():
        with deadline.within(0.01):
            time.sleep(0.1)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert done == [True]
