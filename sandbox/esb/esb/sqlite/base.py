"""Django's SQLite backend for a file that several hosts write.

Readers must not wait for a writer, hence the write-ahead log. A transaction that reads first and writes later is
refused at once when another write came between, without waiting for OPTIONS["timeout"]: so each begins as a writer.
"""
from __future__ import absolute_import, division, print_function

import sqlite3

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        connection = super(DatabaseWrapper, self).get_new_connection(conn_params)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            pass  # another process is changing the mode right now, and the mode stays with the file
        return connection

    def _start_transaction_under_autocommit(self):
        self.cursor().execute("BEGIN IMMEDIATE")
