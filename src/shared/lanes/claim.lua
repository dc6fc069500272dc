-- Decides what a worker may do with the job that BullMQ gave it, and opens an attempt if it may send.
--
-- KEYS[1] the job's hash  KEYS[2] its lock
-- ARGV[1] root  ARGV[2] message id  ARGV[3] lock token  ARGV[4] name of the attempt to open
-- ARGV[5] starts after which a message that never settled counts as crashing its workers
--
-- Returns { verdict, … }:
--   'lost'     another worker has the job: leave it alone
--   'foreign'  not a message that was enqueued by us, or already taken apart: let the job end
--   'settled', 'delivered' or 'dead'   the message has ended: let the job end, send nothing
--   'parked'   not its turn; the job is back in waiting-children, without a lock
--   'wait', ms                           not before that
--   'expired' | 'crashed', used, history, lock ms, open attempt or ''
--   'unknown', used, history, lock ms, open attempt   a worker died while this attempt was open
--   'go', used, history, lock ms         the attempt is open: send now; the lock lasts that long from now

local root, id = ARGV[1], ARGV[2]
local jobKey = KEYS[1]
local send = root .. 'send:'

if redis.call('GET', KEYS[2]) ~= ARGV[3] then return { 'lost' } end

local job = redis.call('HMGET', jobKey, 'lane', 'exp', 'open', 'used', 'history', 'starts', 'settled', 'next')
local lane, expiresAt, open, used, history = job[1], job[2], job[3], job[4] or '0', job[5] or ''
local starts, settled, nextAt = tonumber(job[6] or 0), job[7], job[8]

if settled then return { 'settled', settled } end
if not lane then return { 'foreign' } end

local page = pageOf(lane)
local laneKey = root .. 'lane:' .. lane
local windowKey = root .. 'window:' .. page

local function park()
  redis.call('DEL', KEYS[2])
  redis.call('SREM', send .. 'stalled', id)
  redis.call('LREM', send .. 'active', 1, id)
  redis.call('ZADD', send .. 'waiting-children', redis.call('HGET', jobKey, 'timestamp'), id)
  redis.call('HDEL', windowKey, id)
  return { 'parked' }
end

if redis.call('LINDEX', laneKey, 0) ~= id then
  if not redis.call('LPOS', laneKey, id) then
    -- Its place is gone (keys were deleted by hand): the end of the conversation is the only safe one left.
    if redis.call('RPUSH', laneKey, id) > 1 then return park() end
    redis.call('SADD', root .. 'pages', page)
  else
    return park()
  end
end

local lockMs = redis.call('PTTL', KEYS[2])
-- Our own attempt: the reply was lost with the connection and the client asks again.
if open == ARGV[4] then return { 'go', used, history, lockMs } end
if starts >= tonumber(ARGV[5]) then return { 'crashed', used, history, lockMs, open or '' } end
if open then return { 'unknown', used, history, lockMs, open } end

local now = redisNowMs()
if now >= tonumber(expiresAt) then return { 'expired', used, history, lockMs, '' } end
if nextAt and tonumber(nextAt) > now then return { 'wait', tonumber(nextAt) - now } end

leaveBackoff(root, lane, id)
if redis.call('HEXISTS', windowKey, id) == 0 then
  if redis.call('HLEN', windowKey) >= windowSize(root) then
    redis.call('HDEL', jobKey, 'next', 'held')
    redis.call('ZREM', root .. 'held', id)
    local parked = park()
    redis.call('LPUSH', root .. 'ready:' .. page, lane)
    return parked
  end
  redis.call('HSET', windowKey, id, lane)
end

if nextAt then
  redis.call('HDEL', jobKey, 'next', 'held')
  redis.call('ZREM', root .. 'held', id)
end
redis.call('HSET', jobKey, 'open', ARGV[4], 'starts', starts + 1)
return { 'go', used, history, lockMs }
