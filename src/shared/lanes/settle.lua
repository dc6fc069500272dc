-- Closes an attempt and carries out what was decided. The job stays with BullMQ: the caller completes or delays it next.
--
-- KEYS[1] the job's hash  KEYS[2] its lock
-- ARGV[1] root  ARGV[2] message id  ARGV[3] lock token  ARGV[4] the attempt that the caller closes, or ''
-- ARGV[5] 'delivered' | 'dead' | 'backoff' (out of the window) | 'hold' (keeps its place in the window)
-- ARGV[6] what goes to the history, or ''  ARGV[7] attempts used now: 0 or 1
-- ARGV[8] for backoff and hold: how long, in ms  ARGV[9] '1' if the worker lived through the attempt
-- ARGV[10] most entries that a history keeps  ARGV[11] what holds the whole page for the same time, as JSON, or ''
-- ARGV[12] for dead: the conversation's hold as JSON if dead letters hold theirs, or ''
--
-- The last attempt that was closed stands in the field `closed`: a reply that was lost makes the client ask again, and
-- the same answer is right then.
--
-- Returns {'done', ms to wait}, or with nothing changed and the dead letter dropped that was added in the same MULTI:
-- {'lost'} (another worker has the job, or another attempt is open), {'settled'} (it had ended before), {'missing'} (the
-- add of the letter failed).

local root, id, jobKey = ARGV[1], ARGV[2], KEYS[1]

local function refuse(why)
  if ARGV[5] == 'dead' then dropLetter(root, id) end
  return { why }
end

if redis.call('GET', KEYS[2]) ~= ARGV[3] then return refuse('lost') end
local job = redis.call('HMGET', jobKey, 'lane', 'exp', 'open', 'used', 'history', 'settled', 'closed', 'next')
local lane, expiresAt, open, used, history = job[1], tonumber(job[2]), job[3] or '', job[4], job[5]
if ARGV[4] ~= '' and job[7] == ARGV[4] then
  -- The letter of the first time may have been replayed since; then this one was added anew.
  if ARGV[5] == 'dead' then dropLetter(root, id) end
  return { 'done', math.max(0, tonumber(job[8] or 0) - redisNowMs()) }
end
if job[6] then return refuse('settled') end
if not lane or open ~= ARGV[4] then return refuse('lost') end
if ARGV[5] == 'dead' and not isLetterThere(root, id) then return { 'missing' } end

local changes = { 'closed', ARGV[4] }
if ARGV[6] ~= '' then
  local lines = history and history .. '\n' .. ARGV[6] or ARGV[6]
  local _, breaks = string.gsub(lines, '\n', '\n')
  for _ = tonumber(ARGV[10]), breaks do lines = string.gsub(lines, '^[^\n]*\n', '', 1) end
  table.insert(changes, 'history')
  table.insert(changes, lines)
end
if ARGV[7] ~= '0' then
  table.insert(changes, 'used')
  table.insert(changes, tonumber(used or 0) + 1)
end
redis.call('HDEL', jobKey, 'open', 'next', 'held')
if ARGV[9] == '1' then redis.call('HDEL', jobKey, 'starts') end

if ARGV[5] == 'delivered' or ARGV[5] == 'dead' then
  redis.call('HSET', jobKey, 'settled', ARGV[5], unpack(changes))
  leaveBackoff(root, lane, id)
  redis.call('ZREM', root .. 'held', id)
  -- Before the next message of the conversation could go.
  if ARGV[5] == 'dead' then
    showLetter(root, id, lane)
    holdForLetter(root, lane, id, ARGV[12])
  end
  leaveLane(root, lane, id)
  return { 'done', 0 }
end

-- No wait outlasts the message: at its end it expires on time and frees its conversation.
local now = redisNowMs()
local nextAt = math.min(now + tonumber(ARGV[8]), math.max(now, expiresAt))
table.insert(changes, 'next')
table.insert(changes, nextAt)
if ARGV[5] == 'hold' then
  table.insert(changes, 'held')
  table.insert(changes, '1')
  redis.call('ZADD', root .. 'held', nextAt, id)
end
redis.call('HSET', jobKey, unpack(changes))
if ARGV[11] ~= '' then
  local field = 'timed:' .. pageOf(lane)
  local untilMs = math.max(now + tonumber(ARGV[8]), pageHeldUntil(root, pageOf(lane)))
  redis.call('HSET', root .. 'holds', field, untilMs .. ' ' .. ARGV[11])
end
if ARGV[5] == 'backoff' then
  local page = pageOf(lane)
  redis.call('ZADD', root .. 'backoff', nextAt, id)
  redis.call('HSET', root .. 'failing:' .. page, id, lane)
  redis.call('HDEL', root .. 'window:' .. page, id)
  releaseReady(root, page)
end
return { 'done', nextAt - now }
