-- Closes attempts and carries out what was decided. Each message is settled by itself, as if the others weren't there: they
-- come together only to save round trips. A delivered one is completed here; for the others the caller completes or delays
-- BullMQ's job next.
--
-- KEYS[1] a key of the shard
-- ARGV[1] root  ARGV[2] most entries that a history keeps  ARGV[3] most delivered messages that stay known
-- ARGV[4] JSON, an array for each message:
--   its id  its lock token  the attempt that the caller closes, or ''
--   'delivered' | 'dead' | 'backoff' (out of the window) | 'hold' (keeps its place in the window)
--   what goes to the history, or ''  attempts used now: 0 or 1
--   for backoff and hold: how long; for delivered: how long they stay known, both in ms  1 if the worker lived through the attempt
--   what holds the whole page for the same time, as JSON, or ''
--   for dead: the conversation's hold as JSON if dead letters hold theirs, or ''
--
-- The last attempt that was closed stands in the field `closed`: a reply that was lost makes the client ask again, and
-- the same answer is right then.
--
-- Returns for each {'done', ms to wait}, or with nothing changed and the dead letter dropped that was added in the same MULTI:
-- {'lost'} (another worker has the job, or another attempt is open), {'settled'} (it had ended before), {'missing'} (the
-- add of the letter failed); or {'error', text}: Redis refused.

local root, mostEntries, mostKept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local send = root .. 'send:'
-- Set by whatever is delivered.
local keepMs

-- Takes away what was delivered long ago, or before too many others: a few more than come in.
local function cleanDelivered()
  local tooMany = math.min(200, redis.call('ZCARD', send .. 'completed') - mostKept)
  local ids = tooMany > 0 and redis.call('ZRANGE', send .. 'completed', 0, tooMany - 1)
    or redis.call('ZRANGEBYSCORE', send .. 'completed', '-inf', redisNowMs() - keepMs, 'LIMIT', 0, 200)
  if #ids == 0 then return end
  local keys = {}
  for _, id in ipairs(ids) do
    keys[#keys + 1] = send .. id
    keys[#keys + 1] = send .. id .. ':logs'
  end
  redis.call('DEL', unpack(keys))
  redis.call('ZREM', send .. 'completed', unpack(ids))
end

-- What BullMQ would do when its processor returns, in the same step as ours. Nobody reads the event that it would write.
local function complete(id, ...)
  local now = redisNowMs()
  redis.call('DEL', send .. id .. ':lock')
  redis.call('LREM', send .. 'active', -1, id)
  redis.call('ZADD', send .. 'completed', now, id)
  redis.call('HSET', send .. id, 'settled', 'delivered', 'finishedOn', now, ...)
end

local function appended(history, entry)
  if not history then return entry end
  local lines = history .. '\n' .. entry
  local _, breaks = string.gsub(lines, '\n', '\n')
  for _ = mostEntries, breaks do lines = string.gsub(lines, '^[^\n]*\n', '', 1) end
  return lines
end

local function settleOne(id, token, attempt, kind, entry, usedNow, waitMs, survived, pageHold, laneHold)
  local jobKey = send .. id

  local function refuse(why)
    if kind == 'dead' then dropLetter(root, id) end
    return { why }
  end

  local job = redis.call('HMGET', jobKey, 'lane', 'exp', 'open', 'used', 'history', 'settled', 'closed', 'next')
  local lane, expiresAt, open, used, history = job[1], tonumber(job[2]) or 0, job[3] or '', job[4], job[5]
  local wasPutOff = job[8]
  if attempt ~= '' and job[7] == attempt then
    -- The letter of the first time may have been replayed since; then this one was added anew.
    if kind == 'dead' then dropLetter(root, id) end
    return { 'done', math.max(0, (tonumber(wasPutOff) or 0) - redisNowMs()) }
  end
  if redis.call('GET', jobKey .. ':lock') ~= token then return refuse('lost') end
  if job[6] then return refuse('settled') end
  if not lane or open ~= attempt then return refuse('lost') end
  if kind == 'dead' and not isLetterThere(root, id) then return { 'missing' } end

  local changes = { 'closed', attempt }
  local function change(field, value)
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
  if entry ~= '' then change('history', appended(history, entry)) end
  if usedNow ~= 0 then change('used', (tonumber(used) or 0) + 1) end
  local gone = { 'open', 'next', 'held' }
  if survived == 1 then gone[4] = 'starts' end
  redis.call('HDEL', jobKey, unpack(gone))

  if kind == 'delivered' or kind == 'dead' then
    if wasPutOff then endPutOff(root, lane, id) end
    if kind == 'delivered' then
      complete(id, unpack(changes))
      keepMs = waitMs
      leaveLane(root, lane, id)
      return { 'done', 0 }
    end
    redis.call('HSET', jobKey, 'settled', 'dead', unpack(changes))
    -- Before the next message of the conversation could go.
    showLetter(root, id, lane)
    holdForLetter(root, lane, id, laneHold)
    leaveLane(root, lane, id)
    return { 'done', 0 }
  end

  -- No wait outlasts the message: at its end it expires on time and frees its conversation.
  local now = redisNowMs()
  local nextAt = math.min(now + waitMs, math.max(now, expiresAt))
  change('next', nextAt)
  if kind == 'hold' then
    change('held', '1')
    redis.call('ZADD', root .. 'held', nextAt, id)
  end
  redis.call('HSET', jobKey, unpack(changes))
  local page = pageOf(lane)
  if pageHold ~= '' then
    setHold(root, 'timed:' .. page, math.max(now + waitMs, pageHeldUntil(root, page)) .. ' ' .. pageHold)
  end
  if kind == 'backoff' then
    enterBackoff(root, lane, id, nextAt)
    releaseReady(root, page)
  end
  return { 'done', nextAt - now }
end

local answers = {}
for i, settlement in ipairs(cjson.decode(ARGV[4])) do answers[i] = alone(settleOne, unpack(settlement)) end
-- What goes wrong here is nobody's answer.
if keepMs then alone(cleanDelivered) end
return answers
