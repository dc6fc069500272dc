-- messages/settle
--
-- Put before settle-and-take.lua. Closes attempts and carries out what was decided. Needs places.lua,
-- dead-letters.lua, known-ends.lua and events.lua before it.
--
-- A settlement names its attempt. If the attempt is still open, the settlement counts, whichever worker has BullMQ's lock: only the
-- worker that made the attempt knows how it ended. An attempt that another worker has closed is noted as `<attempt>!`; what its own
-- worker says later goes to the history only.

-- Longer than any history that workers write. Others can write to Redis, too: what is longer is not read, and ends.
local LONGEST_HISTORY = 131072

local function readHistory(jobKey)
  local length = redis.call('HSTRLEN', jobKey, 'history')
  return length > 0 and length <= LONGEST_HISTORY and redis.call('HGET', jobKey, 'history')
end

local function appended(history, entry, most)
  if not history then return entry end
  local lines = {}
  for line in string.gmatch(history, '[^\n]+') do lines[#lines + 1] = line end
  lines[#lines + 1] = entry
  return table.concat(lines, '\n', math.max(1, #lines - most + 1))
end

-- In the names of attempts before which there were others.
local REPEATED = '+'

-- Collected by the settlements of a call, and written at its end with one command.
local lockKeys, completed = {}, {}

-- The first write of a settlement. It takes no memory, and Redis refuses no later one for lack of memory, so a full Redis can be drained.
local function takeFromBullMq(root, id)
  if redis.call('LREM', root .. 'send:active', -1, id) == 0 then redis.call('LREM', root .. 'send:wait', 1, id) end
  lockKeys[#lockKeys + 1] = root .. 'send:' .. id .. ':lock'
end

local function isTurn(text)
  return #text <= 12 and string.find(text, '^%d+$')
end

local function putOff(root, id, lane, why, nextAt)
  redis.call('ZADD', root .. 'send:delayed', nextAt, id)
  if why ~= 'backoff' then redis.call('SADD', root .. 'held', id) end
  if why ~= 'hold' then placeHead(root, lane, PUT_OFF[why]) end
  if why == 'keyless' then redis.call('HSET', root .. 'keyless', id, lane) end
end

-- Number of arguments of each kind of settlement.
local VALUES = { delivered = 10, backoff = 7, back = 7, hold = 7, aside = 7, keyless = 7, dead = 11 }

local SETTLED_FIELDS = { 'lane', 'place', 'attempt', 'used', 'turn', 'processedOn', 'behind', 'crashes' }
-- With what only events need.
local TOLD_FIELDS = { 'lane', 'place', 'attempt', 'used', 'turn', 'processedOn', 'behind', 'crashes', 'timestamp', 'label' }

-- Carries out one settlement. Kinds:
--   'delivered'  `ms` after it was taken; more: who says so ('' for the API), and the ids in the API's answer as JSON or ''
--   'dead'       more: the hold of its conversation or '', the reason, and the letter
--   'backoff', 'hold', 'keyless'  for `ms`     'aside'  a hold outside the page's window      'back'  nothing was tried
-- entry: a line of the history, or ''. survived: '1' if the worker that made the attempt settles it. knownUntil: see known-ends.lua.
--
-- Returns 'done', or { 'done', ms to wait }; 'late' (another worker has closed the attempt), 'ended' (the message has ended) or 'lost'
-- (the message is gone): then at most the history was changed.
local function settleOne(root, mostEntries, id, attempt, kind, entry, usesAttempt, survived, ms, knownUntil, ...)
  local jobKey = root .. 'send:' .. id
  local lane, place, open, used, turn, takenAt, behind, crashes, since, label = fieldsOf(jobKey,
    unpack(isAnyoneReading(root) and TOLD_FIELDS or SETTLED_FIELDS))
  if turn and not isTurn(turn) then turn = nil end
  local closed = survived == '1' and attempt or attempt .. '!'
  -- Its job was removed meanwhile, or is another one.
  if not lane or not open then noteEnd(id, knownUntil) end
  if not lane or not isLane(lane) then
    local isOurs = kind == 'dead' and redis.call('HGET', root .. 'dead:' .. id, 'attempt') == closed
    return isOurs and 'done' or 'lost'
  end
  if place ~= 'sending' or open ~= attempt then
    -- The reply to this settlement was lost, and the client has sent it again.
    if open == closed and place ~= 'sending' then
      local nextAt = numberOf(redis.call('HGET', jobKey, 'next'))
      return nextAt and { 'done', math.max(0, nextAt - redisNowMs()) } or 'done'
    end
    if entry ~= '' then writeFirst('HSET', jobKey, 'history', appended(readHistory(jobKey), entry, mostEntries)) end
    return place == 'ended' and 'ended' or 'late'
  end

  takeFromBullMq(root, id)
  local changes = { 'attempt', closed }
  local function change(field, value)
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
  -- Before its first attempt a message has no history, which saves a command.
  local history = entry ~= '' and string.find(attempt, REPEATED, 1, true) and readHistory(jobKey)
  if entry ~= '' then
    history = appended(history, entry, mostEntries)
    change('history', history)
  end
  if usesAttempt == '1' then
    used = (tonumber(used) or 0) + 1
    change('used', used)
  end
  if crashes and survived == '1' then redis.call('HDEL', jobKey, 'crashes') end

  local known = isAnyoneReading(root) and { history = history, used = used, since = since, label = label }
  if kind == 'delivered' then
    -- The time of the take by Redis's clock plus the duration that the worker measured: this saves a call of TIME.
    local endedAt = string.format('%d', (tonumber(takenAt) or redisNowMs()) + ms)
    local proof, answer = ...
    if proof ~= '' then change('proof', proof) end
    if answer ~= '' then change('answer', answer) end
    redis.call('HSET', jobKey, 'place', 'ended', 'why', 'delivered', 'finishedOn', endedAt, unpack(changes))
    completed[#completed + 1] = endedAt
    completed[#completed + 1] = id
    noteEnd(id, knownUntil)
    if known then noteEvent(root, id, lane, 'delivered', endedAt, known, { proof = orNil(proof), answer = orNil(answer) }) end
    leaveLane(root, lane, id, turn, behind)
    return 'done'
  end
  if kind == 'dead' then
    local hold, reason, letter = ...
    local isHigh = redis.call('HGET', jobKey, 'high')
    if isNewLetter(root, id) then
      writeLetter(root, id, lane, { reason = reason, data = letter, attempt = closed, isHigh = isHigh })
      -- The hold must stand before the next message of the conversation is ready.
      holdForLetter(root, lane, id, hold)
    end
    if known then noteEvent(root, id, lane, 'dead', nowText(), known, { reason = reason }) end
    redis.call('DEL', jobKey, jobKey .. ':logs')
    noteEnd(id, knownUntil)
    leaveLane(root, lane, id, turn, behind)
    if hold ~= '' then holdLane(root, lane) end
    return 'done'
  end
  if kind == 'back' then
    redis.call('HSET', jobKey, 'attempt', closed)
    comeFirst(root, lane, id)
    return 'done'
  end

  -- No wait lasts longer than the message's TTL, so the message expires on time and frees its conversation.
  local now, expiresAt = redisNowMs(), numberOf(redis.call('HGET', jobKey, 'exp')) or 0
  local nextAt = math.min(now + tonumber(ms), math.max(now, expiresAt))
  redis.call('HSET', jobKey, 'place', 'put-off', 'why', kind, 'next', nextAt, unpack(changes))
  putOff(root, id, lane, kind, nextAt)
  takeTurn(root, pageOf(lane), turn or nextTurn(root))
  return { 'done', nextAt - now }
end

local function finishSettlements(root)
  placeHeadsNow(root)
  -- A single lock is left to expire, which saves a command: the next attempt overwrites it.
  if #lockKeys > 1 then redis.call('DEL', unpack(lockKeys)) end
  if #completed > 0 then redis.call('ZADD', root .. 'send:completed', unpack(completed)) end
  writeEnds(root)
end
