-- messages/take
--
-- Put before settle-and-take.lua. Opens attempts on messages and hands them to a worker. Needs places.lua and
-- worker-died.lua before it.

-- Suffix of attempts that are opened only to be settled, without sending.
local UNTRIED = '-'

-- Moves a message out of BullMQ's `wait` that an operator put there in a dashboard although it was not its turn.
local function putWhereItBelongs(root, id, place, job)
  if place == 'ended' then
    redis.call('ZADD', root .. 'send:completed', redisNowMs(), id)
  elseif place == 'put-off' then
    redis.call('ZADD', root .. 'send:delayed', redis.call('HGET', root .. 'send:' .. id, 'next') or 0, id)
  else
    hide(root, id)
  end
end

local function open(jobKey, worker, ...)
  lockFor(worker, jobKey)
  redis.call('HSET', jobKey, ...)
end

-- Removes a job that is no message of ours. If its id was the head of a lane, somebody removed the message's job: the conversation goes
-- on with the first message that is left.
local MOST_REMOVED_AT_ONCE = 500
local function takeAway(root, id, laneOfHead)
  if not laneOfHead then return redis.call('DEL', root .. 'send:' .. id) == 1 and { 'foreign', id } or nil end
  local count = 0
  repeat
    redis.call('DEL', root .. 'send:' .. id)
    -- Whether a message with high priority stands behind it is no longer known, so 'high' assumes one.
    leaveLane(root, laneOfHead, id, nil, 'high')
    id, count = redis.call('LINDEX', root .. 'lane:' .. laneOfHead, 0), count + 1
  until not id or count == MOST_REMOVED_AT_ONCE or redis.call('HEXISTS', root .. 'send:' .. id, 'lane') == 1
  redis.call('HINCRBY', root .. 'repairs', 'removed', count)
  -- The next message may have become ready too late for this call.
  wakeWorker(root)
end

-- Gives a message to the worker: a verdict, its id, the attempt that is open, and its fields; nothing if the worker can't have it.
-- `turn` and `laneOfHead` are given for a head that was released for this worker just now; a head that was released before has its own
-- in its job.
--   'go'       send it: the attempt is new         'expired'   the message is too old
--   'unknown'  a worker died while this attempt was open         'crashed'   the same, once too often
--   'foreign'  no message of ours; the job is removed
-- Without an earlier attempt, label, policy or replay the fields end with the timestamp.
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
    -- A worker is sending it, and an operator has moved its job meanwhile.
    if redis.call('EXISTS', jobKey .. ':lock') == 1 then return end
    if string.sub(attempt, -1) ~= UNTRIED then
      local verdict = verdictOnDeath(root, id, attempt, crashes, worker)
      return verdict and given(verdict, attempt)
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
