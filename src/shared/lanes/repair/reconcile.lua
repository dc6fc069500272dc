-- repair/reconcile
--
-- Compares the `place` of each head with the sets that it must be in, and repairs differences. All that it can find has an outside
-- cause: an operator who removed jobs in a dashboard or deleted keys, data that Redis lost, or somebody who wrote into Redis.
--
-- KEYS[1] the hash of repairs  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] where the last pass stopped among the pages  ARGV[3] number of waiting messages to check
-- ARGV[4] age in ms from which a message without a lane was never stored
--
-- Returns { where this pass stopped, number of repairs }; '0' means that all pages were seen.

local MOST_UNDER_WAY, MOST_READY, LONGEST_LANE_SEARCHED, MOST_REMOVED, LONGEST_LIST_READ = 500, 3, 1000, 500, 10000
local root, now = ARGV[1], redisNowMs()
local send = root .. 'send:'
local repairs = 0
-- The heads and removed messages that this pass may still handle, however many there are, so that it is short.
local left = 1500

local function repaired(kind)
  repairs = repairs + 1
  redis.call('HINCRBY', KEYS[1], kind, 1)
end

-- Removes a key of another type: no message can be found in it, and it stops all that need the key.
local function demandType(key, command, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err or not string.find(answer.err, 'WRONGTYPE', 1, true) then return end
  redis.call('DEL', key)
  repaired('foreign-key')
end

for _, key in ipairs({ 'pages', 'asleep', 'held', 'send:stalled' }) do demandType(root .. key, 'SCARD') end
for _, key in ipairs({ 'keyless', 'readers' }) do demandType(root .. key, 'HLEN') end
demandType(root .. 'events:content', 'SCARD')
demandType(root .. 'events', 'XRANGE', '-', '-')
for _, key in ipairs({ 'turns', 'paced', 'due', 'known-ends' }) do demandType(root .. key, 'ZCARD') end
for _, key in ipairs({ 'waiting-children', 'delayed', 'completed', 'marker' }) do demandType(send .. key, 'ZCARD') end
for _, key in ipairs({ 'wait', 'active' }) do demandType(send .. key, 'LLEN') end

-- Ids in BullMQ's lists, each read once.
local lists = {}
local function idsOf(list)
  if lists[list] then return lists[list] end
  local ids = { isWhole = redis.call('LLEN', send .. list) <= LONGEST_LIST_READ }
  if ids.isWhole then
    for _, id in ipairs(redis.call('LRANGE', send .. list, 0, -1)) do ids[id] = true end
  end
  lists[list] = ids
  return ids
end

-- Nothing is known of a list that is too long; others have filled it, and it gets shorter with each take.
local function isListed(list, id) return not idsOf(list).isWhole or idsOf(list)[id] end

-- Whether a message with high priority stands behind it is no longer known, so 'high' assumes one.
local function leave(kind, lane, id)
  leaveLane(root, lane, id, nil, 'high')
  repaired(kind)
end

-- If a head was removed, those behind it mostly were, too.
local function leaveRemoved(lane, id)
  for _ = 1, math.min(MOST_REMOVED, math.max(1, left)) do
    left = left - 1
    redis.call('SREM', root .. 'held', id)
    if isJobId(id) then redis.call('DEL', send .. id) end
    leave('removed', lane, id)
    id = redis.call('LINDEX', root .. 'lane:' .. lane, 0)
    if not id or redis.pcall('HEXISTS', send .. id, 'lane') == 1 then return end
  end
end

local function isScore(score, class)
  if class == 'ready' then return score < READY_BELOW or score == HELD end
  return score == class
end

-- Whether BullMQ has a message that is put off, for the time that its job names.
local function isPutOff(id, nextAt)
  local time = tonumber(redis.call('ZSCORE', send .. 'delayed', id))
  return time and time == (numberOf(nextAt) or time)
end

local function putOffAgain(score)
  return function(id, lane, nextAt)
    local time = numberOf(nextAt) or 0
    if time <= now then return comeFirst(root, lane, id) end
    redis.call('ZADD', send .. 'delayed', time, id)
    if score ~= BACKOFF then redis.call('SADD', root .. 'held', id) end
    placeHead(root, lane, score)
  end
end

-- For each place of a head: its score, a check that it is there, and the repair if it is not.
local checks = {
  released = {
    IN_FLIGHT,
    function(id) return isListed('wait', id) end,
    function(id, lane)
      redis.call('LREM', send .. 'wait', 1, id)
      comeFirst(root, lane, id)
    end,
  },
  -- Its worker is gone; the worker that takes the message next finds the attempt open.
  sending = {
    IN_FLIGHT,
    function(id) return isListed('active', id) or isListed('wait', id) end,
    function(id, lane)
      placeHead(root, lane, IN_FLIGHT)
      if isListed('wait', id) or isListed('active', id) then return end
      redis.call('LPUSH', send .. 'wait', id)
      idsOf('wait')[id] = true
    end,
  },
  hold = { IN_FLIGHT, isPutOff, putOffAgain(IN_FLIGHT) },
  aside = { ASIDE, isPutOff, putOffAgain(ASIDE) },
  backoff = { BACKOFF, isPutOff, putOffAgain(BACKOFF) },
  keyless = { KEYLESS, isPutOff, putOffAgain(KEYLESS) },
  waiting = {
    'ready',
    function(id) return redis.call('ZSCORE', send .. 'waiting-children', id) or isListed('wait', id) end,
    function(id, lane) comeFirst(root, lane, id) end,
  },
}

local function checkHead(lane, score)
  demandType(root .. 'lane:' .. lane, 'LLEN')
  local id = redis.call('LINDEX', root .. 'lane:' .. lane, 0)
  if not id then return leave('removed', lane, '') end
  if not isJobId(id) then return leaveRemoved(lane, id) end
  demandType(send .. id, 'HLEN')
  local known, place, why, nextAt = fieldsOf(send .. id, 'lane', 'place', 'why', 'next')
  if not known then return leaveRemoved(lane, id) end
  -- A message of another conversation.
  if known ~= lane then return leave('removed', lane, id) end
  if place == 'ended' or redis.call('ZSCORE', send .. 'completed', id) then
    -- The message has ended but is still the head: its settlement failed halfway, or somebody completed its job by hand.
    endPutOff(root, id, why)
    local isKnown = place == 'ended'
    redis.call('HSET', send .. id, 'place', 'ended', 'why', isKnown and why or 'delivered')
    if not isKnown then redis.call('HSET', send .. id, 'proof', 'operator') end
    local proof, finishedOn = fieldsOf(send .. id, 'proof', 'finishedOn')
    -- A settlement that failed halfway may have told it already.
    noteEvent(root, id, lane, isKnown and why == 'cancelled' and why or 'delivered', numberOf(finishedOn) or now, {}, { proof = proof or nil })
    return leave('forgotten-end', lane, id)
  end
  local class, isThere, mend = unpack(checks[place == 'put-off' and why or place or 'waiting'] or checks.waiting)
  local isOutOfTurn = score == HELD and not isLaneHeldByOperator(root, lane)
  if isScore(score, class) and isThere(id, nextAt) and not isOutOfTurn then return end
  endPutOff(root, id, why)
  mend(id, lane, nextAt)
  repaired(isOutOfTurn and 'stuck-lane' or 'dropped')
end

local function checkLanes(page, from, to, most)
  local heads = root .. 'heads:' .. page
  local lanes = redis.call('ZRANGEBYSCORE', heads, from, to, 'WITHSCORES', 'LIMIT', 0, math.min(most, math.max(1, left)))
  for i = 1, #lanes, 2 do
    left = left - 1
    if isLaneOf(page, lanes[i]) then
      alone(checkHead, lanes[i], tonumber(lanes[i + 1]))
    else
      redis.call('ZREM', heads, lanes[i])
    end
  end
  return #lanes > 0
end

-- A page waits for its next slot no longer than its limit can ask for.
local function isPaced(page)
  local fleet, time = readFleet(root), tonumber(redis.call('ZSCORE', root .. 'paced', page))
  return time and time <= now + (fleet.pageBurst + 1) * fleet.pageIntervalMs
end

local function checkLanesOf(page)
  demandType(root .. 'heads:' .. page, 'ZCARD')
  checkLanes(page, READY_BELOW, '+inf', MOST_UNDER_WAY)
  local isReady = checkLanes(page, '-inf', '(' .. READY_BELOW, MOST_READY)
  if leavePages(root, page) or not isReady or isPaced(page) then return end
  redis.call('ZREM', root .. 'paced', page)
  takeTurn(root, page, nextTurn(root))
end

local pages = redis.call('SSCAN', root .. 'pages', ARGV[2], 'COUNT', 50)
-- Each pass begins with another one, so that none is left out each time.
local first = #pages[2] > 0 and math.floor(now / 1000) % #pages[2] or 0
for i = 1, #pages[2] do
  if left > 0 then alone(checkLanesOf, pages[2][(first + i) % #pages[2] + 1]) end
end

-- A page whose messages all lack their key is in no set of pages, so its conversations are checked here.
local function checkKeyless(id, lane)
  if isLane(lane) and redis.call('LINDEX', root .. 'lane:' .. lane, 0) == id then
    return checkHead(lane, tonumber(redis.call('ZSCORE', root .. 'heads:' .. pageOf(lane), lane) or nil))
  end
  if not isJobId(id) or redis.call('EXISTS', send .. id) == 0 then endPutOff(root, id, 'keyless') end
end

local keylessFrom = redis.call('HGET', KEYS[1], 'keyless') or '0'
local keyless = redis.call('HSCAN', root .. 'keyless', tonumber(keylessFrom) or 0, 'COUNT', 50)
if keyless[1] == '0' and keylessFrom ~= '0' then redis.call('HDEL', KEYS[1], 'keyless') end
if keyless[1] ~= '0' then redis.call('HSET', KEYS[1], 'keyless', keyless[1]) end
for i = 1, #keyless[2], 2 do
  left = left - 1
  if left > 0 then alone(checkKeyless, keyless[2][i], keyless[2][i + 1]) end
end

-- A message that isn't due yet stands in no lane.
local function isScheduled(id, place, due, seq)
  if place ~= 'scheduled' then return false end
  local member = string.format('%016d:%s', numberOf(seq) or 0, id)
  local time, score = numberOf(due), tonumber(redis.call('ZSCORE', root .. 'due', member))
  if not score or score ~= (time or score) then
    redis.call('ZADD', root .. 'due', time or now, member)
    repaired('lost-schedule')
  end
  return true
end

-- Finds, by its messages, a page that may send but stands in no set, because a set of pages or a hold was deleted.
local pagesChecked = {}
local function checkPage(page)
  if pagesChecked[page] then return end
  pagesChecked[page] = true
  if redis.call('SISMEMBER', root .. 'pages', page) == 1 then return end
  local isAsleep = redis.call('SISMEMBER', root .. 'asleep', page) == 1
  if isAsleep and isPageHeldByOperator(root, page) then return end
  if redis.call('ZCOUNT', root .. 'heads:' .. page, '-inf', '(' .. KEYLESS) == 0 then return end
  redis.call('SREM', root .. 'asleep', page)
  enterPages(root, page)
  takeTurn(root, page, nextTurn(root))
  repaired('stuck-page')
end

-- ZREM answers 0 for a job that this pass has seen already: the oldest ones may be checked twice.
local function removeNeverStored(id)
  if isJobId(id) then redis.call('DEL', send .. id) end
  if redis.call('ZREM', send .. 'waiting-children', id) == 1 then repaired('never-stored') end
end

local function checkWaiting(id)
  if not isJobId(id) then return removeNeverStored(id) end
  demandType(send .. id, 'HLEN')
  local lane, timestamp, place, due, seq = fieldsOf(send .. id, 'lane', 'timestamp', 'place', 'due', 'seq')
  if lane and not isLane(lane) then return removeNeverStored(id) end
  if not lane then
    if now - (numberOf(timestamp) or 0) > tonumber(ARGV[4]) then removeNeverStored(id) end
    return
  end
  if isScheduled(id, place, due, seq) then return end
  local laneKey, page = root .. 'lane:' .. lane, pageOf(lane)
  demandType(laneKey, 'LLEN')
  demandType(root .. 'heads:' .. page, 'ZCARD')
  -- Only short lanes are searched, so that the check stays cheap.
  if redis.call('LLEN', laneKey) <= LONGEST_LANE_SEARCHED and not redis.call('LPOS', laneKey, id) then
    redis.call('RPUSH', laneKey, id)
    repaired('lost-place')
  end
  local score = tonumber(redis.call('ZSCORE', root .. 'heads:' .. page, lane) or nil)
  -- A page with only held conversations is in no set of pages, so the end of a hold that was deleted is noticed here.
  local isOutOfTurn = score == HELD and not isLaneHeldByOperator(root, lane)
  if score and not isOutOfTurn then return checkPage(page) end
  enterPages(root, page)
  makeReady(root, lane, nextTurn(root))
  repaired('stuck-lane')
end

-- Checks the oldest waiting messages, and some more from where the last pass stopped.
local total = redis.call('ZCARD', send .. 'waiting-children')
local from = tonumber(redis.call('HGET', KEYS[1], 'cursor') or 0) or 0
if from >= total then from = 0 end
redis.call('HSET', KEYS[1], 'cursor', from + tonumber(ARGV[3]))
local oldest = redis.call('ZRANGE', send .. 'waiting-children', 0, 19)
local further = redis.call('ZRANGE', send .. 'waiting-children', from, from + tonumber(ARGV[3]) - 1)
for _, ids in ipairs({ oldest, further }) do
  for _, id in ipairs(ids) do alone(checkWaiting, id) end
end

wakeForWork(root, now)
return { pages[1], repairs }
