-- lib/dead-letters
--
-- Put before the scripts that write, find or remove dead letters. Needs holds.lua and places.lua before it.
--
-- A letter is a job of the queue `dead`, written by the script that ends its message. Its id stands in BullMQ's `dead:failed` by
-- time of death, and in
--   letters                   the reason and lane of each letter, by id: `<reason> <lane>`
--   letters:reason:<reason>   ids by time of death
--   letters:page:<page>       ids by time of death
--   letters:pages             pages by the number of their letters
-- An id that is in an index but not in `dead:failed`, or has no job any more, was removed by others; expire.lua removes it from the
-- indexes.

-- Sets the count from the index each time: a counter that drifts would never be right again.
local function writeCount(root, page)
  local count = redis.call('ZCARD', root .. 'letters:page:' .. page)
  if count > 0 then
    redis.call('ZADD', root .. 'letters:pages', count, page)
  else
    redis.call('ZREM', root .. 'letters:pages', page)
  end
end

-- Whether no other letter, and no key of BullMQ, has this name. Who can write a job can give it any id, but must not overwrite a letter.
local NAMES_OF_BULLMQ = { failed = true, completed = true, wait = true, active = true, delayed = true, meta = true, id = true, events = true,
  marker = true, paused = true, prioritized = true, stalled = true }
local function isNewLetter(root, id)
  return not NAMES_OF_BULLMQ[id] and redis.call('EXISTS', root .. 'dead:' .. id) == 0
end

-- letter: { reason, data as JSON, attempt that ended the message, isHigh: whether the message had high priority }.
local function writeLetter(root, id, lane, letter)
  local dead, page, now = root .. 'dead:', pageOf(lane), redisNowMs()
  redis.call('HSET', dead .. id, 'name', letter.reason, 'data', letter.data, 'opts', '{}', 'timestamp', now, 'finishedOn', now,
    'failedReason', letter.reason, 'attempt', letter.attempt)
  -- A replay has the same priority.
  if letter.isHigh then redis.call('HSET', dead .. id, 'high', '1') end
  redis.call('ZADD', dead .. 'failed', now, id)
  redis.call('HSET', root .. 'letters', id, letter.reason .. ' ' .. lane)
  redis.call('ZADD', root .. 'letters:reason:' .. letter.reason, now, id)
  redis.call('ZADD', root .. 'letters:page:' .. page, now, id)
  writeCount(root, page)
end

-- Returns the reason and the lane of a letter; nothing if it stands in no index.
local function placeOf(root, id)
  local place = redis.call('HGET', root .. 'letters', id)
  if place then return string.match(place, '^(%S+) (.+)$') end
end

-- Removes a letter from the indexes. Returns its lane; nothing if it stood in no index.
local function leaveIndexes(root, id)
  local reason, lane = placeOf(root, id)
  if not lane then return end
  local page = pageOf(lane)
  redis.call('HDEL', root .. 'letters', id)
  redis.call('ZREM', root .. 'letters:reason:' .. reason, id)
  redis.call('ZREM', root .. 'letters:page:' .. page, id)
  writeCount(root, page)
  return lane
end

-- Removes a letter. Returns whether it was there, and its lane.
local function takeLetter(root, id)
  local dead = root .. 'dead:'
  if redis.call('ZREM', dead .. 'failed', id) == 0 then return false end
  redis.call('DEL', dead .. id, dead .. id .. ':logs')
  return true, leaveIndexes(root, id)
end

-- Holds the conversation until an operator replays or discards this letter, or releases the conversation. `json` names the page and
-- conversation, as far as they are known, or is '' if dead letters hold nothing. An existing hold stays and keeps its first letter.
local function holdForLetter(root, lane, id, json)
  if json == '' or not isLane(lane) then return end
  local field = 'standing:' .. lane
  local before = redis.call('HGET', root .. 'holds', field)
  local hold = cjson.decode(before or json)
  if hold.letter then return end
  hold.letter = id
  hold.page = hold.page or pageOf(lane)
  hold.conversation = hold.conversation or string.match(lane, '/(.*)$')
  setHold(root, field, cjson.encode(hold))
end

-- Takes a letter that is gone out of its conversation's hold. Returns 'none' if it held no conversation, 'ended' if the hold ended with
-- it, or 'kept' if the hold stays: because an operator set it, or because of `isKept`.
local function forgetHold(root, lane, id, isKept)
  local field = 'standing:' .. lane
  local json = redis.call('HGET', root .. 'holds', field)
  local hold = json and cjson.decode(json)
  if not hold or hold.letter ~= id then return 'none' end
  if hold.reason == 'dead-letter' and not isKept then
    redis.call('HDEL', root .. 'holds', field)
    return 'ended'
  end
  hold.letter = nil
  setHold(root, field, cjson.encode(hold))
  return 'kept'
end

-- Takes a letter that others have removed out of the indexes. A conversation that it held stays held.
local function forgetRemoved(root, id)
  local lane = leaveIndexes(root, id)
  if lane then forgetHold(root, lane, id, true) end
  return lane
end
