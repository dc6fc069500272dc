-- Put before turn.lua. Opens attempts on messages and hands them to a worker. Needs places.lua before it.

-- How often a message may be found open, its worker gone, until it is taken to kill them.
local MOST_CRASHES = 5
-- The name of an attempt that is opened to be settled, not to be sent, ends in it.
local UNTRIED = '-'


-- It stands in BullMQ's `wait` though it is not its turn: an operator moved it in some dashboard.
local function putWhereItBelongs(root, id, place, job)
  if place == 'ended' then
    redis.call('ZADD', root .. 'send:completed', redisNowMs(), id)
  elseif place == 'put-off' then
    redis.call('ZADD', root .. 'send:delayed', redis.call('HGET', root .. 'send:' .. id, 'next') or 0, id)
  else
    hide(root, id)
  end
end

-- Locks have ended while Redis was away, or at a step of its clock, and their workers may live: from then on they have the time of
-- a lock to say what they know. Returns what is left of it, in ms.
local function graceMs(root, now, lockMs)
  local fleet = readFleet(root)
  if isAfterGap(fleet, now) then return lockMs end
  if not fleet.backAt or fleet.backAt > now then return 0 end
  return math.max(0, fleet.backAt + lockMs - now)
end

local function open(jobKey, worker, ...)
  redis.call('SET', jobKey .. ':lock', worker.token, 'PX', worker.lockMs)
  redis.call('HSET', jobKey, ...)
end

-- No message of ours has this id. If it was a head, somebody removed its job: the conversation goes on with the first message that is
-- left.
local MOST_REMOVED_AT_ONCE = 500
local function takeAway(root, id, laneOfHead)
  if not laneOfHead then return redis.call('DEL', root .. 'send:' .. id) == 1 and { 'foreign', id } or nil end
  local count = 0
  repeat
    redis.call('DEL', root .. 'send:' .. id)
    -- Nobody knows any more whether one with high priority stands behind it.
    leaveLane(root, laneOfHead, id, nil, 'high')
    id, count = redis.call('LINDEX', root .. 'lane:' .. laneOfHead, 0), count + 1
  until not id or count == MOST_REMOVED_AT_ONCE or redis.call('HEXISTS', root .. 'send:' .. id, 'lane') == 1
  redis.call('HINCRBY', root .. 'repairs', 'removed', count)
  -- It may be ready too late for this call.
  wakeWorker(root)
end

-- Returns what the worker gets of a message: a verdict, its id, the attempt that is open, and its fields; nothing if it can't
-- have it. `turn` and `laneOfHead` are those of a head that was released for this worker just now; one that was released before has its
-- own.
--   'go'       send it: the attempt is new         'expired'   it is too old
--   'unknown'  a worker died while this attempt was open         'crashed'   the same, once too often
--   'foreign'  no message of ours; it is removed
-- The fields of one that nobody has tried, and that has nothing but its request, end with its timestamp.
local function takeOne(root, id, worker, turn, laneOfHead)
  local jobKey = root .. 'send:' .. id
  local lane, place, expiresAt, attempt, name, data, timestamp, label, policy, replays = fieldsOf(jobKey, 'lane', 'place', 'exp',
    'attempt', 'name', 'data', 'timestamp', 'label', 'policy', 'replays')
  if not lane or not expiresAt then return takeAway(root, id, laneOfHead or lane) end
  local crashes, used, history
  if attempt then crashes, used, history = fieldsOf(jobKey, 'crashes', 'used', 'history') end
  local function given(verdict, named)
    if not (attempt or label or policy or replays) then return { verdict, id, named, name, data, timestamp } end
    return { verdict, id, named, name, data, timestamp, label, policy, replays, used or false, history or false }
  end

  if place == 'sending' then
    -- Somebody sends it, and an operator moved it meanwhile.
    if redis.call('EXISTS', jobKey .. ':lock') == 1 then return end
    if string.sub(attempt, -1) ~= UNTRIED then
      local ms = graceMs(root, redisNowMs(), tonumber(worker.lockMs))
      if ms > 0 then
        redis.call('SET', jobKey .. ':lock', attempt, 'PX', ms)
        redis.call('LPUSH', root .. 'send:active', id)
        -- Others may wait behind it.
        return wakeWorker(root)
      end
      local count = (tonumber(crashes) or 0) + 1
      open(jobKey, worker, 'crashes', count)
      return given(count >= MOST_CRASHES and 'crashed' or 'unknown', attempt)
    end
  elseif not turn and place ~= 'released' then
    return putWhereItBelongs(root, id, place)
  end

  worker.attempts = worker.attempts + 1
  local isOld = redisNowMs() >= (tonumber(expiresAt) or 0)
  local named = string.format('%s%d%s', worker.name, worker.attempts, isOld and UNTRIED or '')
  if turn then
    open(jobKey, worker, 'place', 'sending', 'attempt', named, 'processedOn', nowText(), 'turn', turn)
  else
    open(jobKey, worker, 'place', 'sending', 'attempt', named, 'processedOn', nowText())
  end
  return given(isOld and 'expired' or 'go', named)
end
