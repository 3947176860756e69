# -*- coding: utf-8 -*-
"""What Redis does for window.py, in its own language and by its own clock, in microseconds.

One key without a life, so that it is not evicted alone: {robot: "place:end place:end …", "id": its name, "born": since when it
has been told of all places}.
"""
from __future__ import absolute_import, division, print_function

# Begins each script with a host's question whether this is the Redis that it has met.
_MEET = """
pcall(redis.replicate_commands)
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local met, is_untold = ARGV[1], ARGV[2] == '1'
local can_tell, info = pcall(redis.call, 'INFO', 'server')
local run = can_tell and type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local id = redis.call('HGET', KEYS[1], 'id') or ''
-- Its clock may have been set back.
local born = math.min(now, tonumber(redis.call('HGET', KEYS[1], 'born') or now))
if string.match(id, '^(%x*):') ~= run then
  id, born = run .. ':' .. string.format('%.0f', now), now
end
local is_other = met ~= '' and met ~= id
if is_other or is_untold then born = now end
-- Also shows whether it takes what is written: with a full disk, or as a replica, it only answers.
redis.call('HSET', KEYS[1], 'id', id)
redis.call('HSET', KEYS[1], 'born', string.format('%.0f', born))
local age, wait = now - born, 0
"""
_ANSWER = """
-- Microseconds, a flag, microseconds, a text, a flag.
return {wait, is_other and 1 or 0, age, id, is_untold and 1 or 0}
"""
PROBE = _MEET + _ANSWER
# `mine`: the places of this host. Redis keeps those that it does not know, except for one with a question mark, whose call has
# not ended: it counts here, but it may just be asked for by another worker, in vain. In a young Redis, this host's places must
# also fit its share. A question that is repeated, because its answer was lost, finds its own places and takes no others.
TAKE = _MEET + """
local robot, limit, share, young = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local life, longest, new, mine = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], ARGV[10]
local ends, ends_of_mine, known, kept = {}, {}, {}, {}
for id, stop in string.gmatch(redis.call('HGET', KEYS[1], robot) or '', '(%x+):(%d+)') do
  local at = math.min(tonumber(stop), now + longest)
  if at > now and not string.find(new, id, 1, true) then
    known[id] = true
    ends[#ends + 1] = at
    kept[#kept + 1] = id .. ':' .. string.format('%.0f', at)
  end
end
for id, left, runs in string.gmatch(mine, '(%x+):(%d+)(%??)') do
  local stop = now + tonumber(left)
  ends_of_mine[#ends_of_mine + 1] = stop
  if not known[id] then
    ends[#ends + 1] = stop
    if runs == '' then kept[#kept + 1] = id .. ':' .. string.format('%.0f', stop) end
  end
end
local count = 0
for _ in string.gmatch(new, '%x+') do count = count + 1 end
local function until_room(taken, most)
  if #taken + count <= most then return 0 end
  table.sort(taken)
  local last = taken[math.min(#taken, #taken + count - most)]
  return math.max(1, (last or now + life) - now)
end
wait = until_room(ends, limit)
if age < young then wait = math.max(wait, until_room(ends_of_mine, share)) end
if wait == 0 and not is_other then
  for id in string.gmatch(new, '%x+') do kept[#kept + 1] = id .. ':' .. string.format('%.0f', now + life) end
end
if #kept > 0 then redis.call('HSET', KEYS[1], robot, table.concat(kept, ' ')) else redis.call('HDEL', KEYS[1], robot) end
""" + _ANSWER
# A call has ended: its place lasts `life` from now on, or is given back with a life of 0.
SETTLE = """
pcall(redis.replicate_commands)
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local kept, life = {}, tonumber(ARGV[3])
for id, stop in string.gmatch(redis.call('HGET', KEYS[1], ARGV[1]) or '', '(%x+):(%d+)') do
  if id ~= ARGV[2] and tonumber(stop) > now then kept[#kept + 1] = id .. ':' .. stop end
end
if life > 0 then kept[#kept + 1] = ARGV[2] .. ':' .. string.format('%.0f', now + life) end
if #kept > 0 then redis.call('HSET', KEYS[1], ARGV[1], table.concat(kept, ' ')) else redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1
"""
