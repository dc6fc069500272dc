-- Ends a message that nobody has begun to send.
--
-- KEYS[1] the job's hash
-- ARGV[1] root  ARGV[2] message id
--
-- Returns {'cancelled'}, {'too-late'} (it is being sent, or a worker died while it was sent, or it has ended), or
-- {'not-found'}.

local root, id = ARGV[1], ARGV[2]
local send = root .. 'send:'

local job = redis.call('HMGET', KEYS[1], 'lane', 'settled', 'open')
local lane, settled, open = job[1], job[2], job[3]
if settled == 'cancelled' then return { 'cancelled' } end
if settled or open or redis.call('EXISTS', root .. 'dead:' .. id) == 1 then return { 'too-late' } end
if not lane then return { 'not-found' } end

local now = redisNowMs()
redis.call('HSET', KEYS[1], 'settled', 'cancelled', 'finishedOn', now)
redis.call('HDEL', KEYS[1], 'next', 'held', 'pageSlot', 'fleetSlot')
-- A worker that has it, and has not claimed it yet, learns that it has ended.
if not redis.call('LPOS', send .. 'active', id) then
  redis.call('LREM', send .. 'wait', 1, id)
  redis.call('ZREM', send .. 'delayed', id)
  redis.call('ZREM', send .. 'waiting-children', id)
  redis.call('ZREM', send .. 'failed', id)
  redis.call('ZADD', send .. 'completed', now, id)
end
endPutOff(root, lane, id)
-- One that isn't due yet has no place in its conversation.
if redis.call('ZREM', root .. 'due', id) == 0 then
  local page = pageOf(lane)
  local isHead = redis.call('LINDEX', root .. 'lane:' .. lane, 0) == id
  if isHead and redis.call('HEXISTS', root .. 'window:' .. page, id) == 0 then
    -- Its conversation waited for its turn; a next message takes a new one.
    redis.call('LREM', root .. 'ready:' .. page, 1, lane)
    redis.call('LREM', root .. 'high:' .. page, 1, lane)
  end
  leaveLane(root, lane, id)
end
return { 'cancelled' }
