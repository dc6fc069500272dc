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
    redis.call('ZADD', root .. 'send:delayed', numberOf(redis.call('HGET', root .. 'send:' .. id, 'next')) or 0, id)
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
local mostToRemove = 500
local function removeJob(root, id)
  return isJobId(id) and redis.call('DEL', root .. 'send:' .. id) == 1
end

local function takeAway(root, id, laneOfHead)
  if not laneOfHead then return removeJob(root, id) and { 'foreign', id } or nil end
  local count = 0
  repeat
    removeJob(root, id)
    -- Whether a message with high priority stands behind it is no longer known, so 'high' assumes one.
    leaveLane(root, laneOfHead, id, nil, 'high')
    id, count = redis.call('LINDEX', root .. 'lane:' .. laneOfHead, 0), count + 1
    mostToRemove = mostToRemove - 1
  until not id or mostToRemove <= 0 or redis.pcall('HEXISTS', root .. 'send:' .. id, 'lane') == 1
  redis.call('HINCRBY', root .. 'repairs', 'removed', count)
  -- The next message may have become ready too late for this call.
  wakeWorker(root)
end

-- Whether the message may leave because the turn of this lane has come. Others can write into lanes, too: a message that belongs to another
-- conversation, is not due yet or has ended leaves this lane. One that is put off waits on.
local function isItsTurn(root, id, laneOfHead, lane, place)
  if lane == laneOfHead and (not place or place == 'released') then return true end
  if lane == laneOfHead and place == 'sending' then return false end
  if lane == laneOfHead and place == 'put-off' then
    local why, nextAt = fieldsOf(root .. 'send:' .. id, 'why', 'next')
    redis.call('ZADD', root .. 'send:delayed', numberOf(nextAt) or 0, id)
    placeHead(root, lane, PUT_OFF[why] or IN_FLIGHT)
    return false
  end
  leaveLane(root, laneOfHead, id, nil, 'high')
  if not place or place == 'scheduled' then hide(root, id) end
  redis.call('HINCRBY', root .. 'repairs', 'removed', 1)
  wakeWorker(root)
  return false
end

-- Producers store less than this. What others have written is given to a worker only up to it, so that no job fills its memory.
local LONGEST_DATA, LONGEST_WORD, LONGEST_NAME = 262144, 4096, 512
local function upTo(length, text)
  return text and #text > length and string.sub(text, 1, length) or text
end

-- Gives a message to the worker: a verdict, its id, the attempt that is open, and its fields; nothing if the worker can't have it.
-- `turn` and `laneOfHead` are given for a head that was released for this worker just now; a head that was released before has its own
-- in its job.
--   'go'       send it: the attempt is new         'expired'   the message is too old
--   'unknown'  a worker died while this attempt was open         'crashed'   the same, once too often
--   'foreign'  no message of ours; the job is removed
-- Without an earlier attempt, label, policy, replay, trace or encryption the fields end with the lane.
local function takeOne(root, id, worker, turn, laneOfHead)
  if not isJobId(id) then return takeAway(root, id, laneOfHead) end
  local jobKey = root .. 'send:' .. id
  local length = redis.call('HSTRLEN', jobKey, 'data')
  local isTooLong = length > LONGEST_DATA
  local lane, place, expiresAt, attempt, name, timestamp, label, policy, replays, trace, data = fieldsOf(jobKey, 'lane', 'place', 'exp',
    'attempt', 'name', 'timestamp', 'label', 'policy', 'replays', 'trace', isTooLong and '-' or 'data')
  if isTooLong then data = string.format('[not read, it had %d bytes]', length) end
  if not lane or not expiresAt or not isLane(lane) then
    return takeAway(root, id, laneOfHead or (lane and isLane(lane) and lane))
  end
  local isSealed = data and isSealedText(data)
  if isSealed and place ~= 'ended' and hasEnded(root, id) then return takeAway(root, id, laneOfHead or lane) end
  if attempt and #attempt > LONGEST_NAME then attempt = false end
  local crashes, used, history
  if attempt then
    crashes, used = fieldsOf(jobKey, 'crashes', 'used')
    history = readHistory(jobKey)
  end
  local function given(verdict, named)
    local type, since = upTo(LONGEST_NAME, name), upTo(LONGEST_NAME, timestamp)
    if not (attempt or label or policy or replays or trace or isSealed) then return { verdict, id, named, type, data, since, lane } end
    local due, high
    if isSealed then due, high = fieldsOf(jobKey, 'due', 'high') end
    return {
      verdict, id, named, type, data, since, lane, upTo(LONGEST_WORD, label), upTo(LONGEST_WORD, policy), upTo(LONGEST_WORD, replays),
      upTo(LONGEST_NAME, used) or false, history or false, upTo(LONGEST_NAME, trace),
      isSealed and upTo(LONGEST_NAME, expiresAt), upTo(LONGEST_NAME, due), upTo(LONGEST_NAME, high),
    }
  end
  local function newName(suffix)
    worker.attempts = worker.attempts + 1
    return string.format('%s%d%s%s', worker.name, worker.attempts, attempt and REPEATED or '', suffix)
  end

  if place == 'sending' then
    -- A worker is sending it, and an operator has moved its job meanwhile.
    if redis.call('EXISTS', jobKey .. ':lock') == 1 then return end
    if not attempt then
      -- Others have removed its name. It may have been sent all the same.
      attempt = newName('')
      redis.call('HSET', jobKey, 'attempt', attempt)
    end
    if string.sub(attempt, -1) ~= UNTRIED then
      local verdict = verdictOnDeath(root, id, attempt, crashes, worker)
      return verdict and given(verdict, attempt)
    end
  elseif turn then
    if not isItsTurn(root, id, laneOfHead, lane, place) then return end
  elseif place ~= 'released' then
    return putWhereItBelongs(root, id, place)
  end
  local isOld = redisNowMs() >= (tonumber(expiresAt) or 0)
  -- For a head that was released just now this is known.
  local mayBeHeld = place == 'sending' and not isOld or not turn and place == 'released'
  if mayBeHeld and (isPageHeldByOperator(root, pageOf(lane)) or isLaneHeldByOperator(root, lane)) then
    return comeFirst(root, lane, id)
  end

  local named = newName(isOld and UNTRIED or '')
  if turn then
    open(jobKey, worker, 'place', 'sending', 'attempt', named, 'processedOn', nowText(), 'turn', turn)
  else
    open(jobKey, worker, 'place', 'sending', 'attempt', named, 'processedOn', nowText())
  end
  return given(isOld and 'expired' or 'go', named)
end
