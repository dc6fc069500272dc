-- messages/cancel
--
-- Ends a message that is not being sent.
--
-- KEYS[1] the job's hash  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] message id
--
-- Returns {'cancelled'}, {'too-late'} (the message is being sent, or a worker died while sending it, or it has ended), or
-- {'not-found'}.

local root, id = ARGV[1], ARGV[2]
local send = root .. 'send:'

local lane, place, why, due, seq, behind = fieldsOf(KEYS[1], 'lane', 'place', 'why', 'due', 'seq', 'behind')
if place == 'ended' then return { why == 'cancelled' and 'cancelled' or 'too-late' } end
if place == 'sending' or redis.call('EXISTS', root .. 'dead:' .. id) == 1 then return { 'too-late' } end
if not lane or not isLane(lane) then return { 'not-found' } end

-- The first write takes no memory, and Redis refuses no later one for lack of memory.
redis.call('HDEL', KEYS[1], 'next', 'behind')
redis.call('ZREM', send .. 'waiting-children', id)
redis.call('LREM', send .. 'wait', 1, id)
if place == 'put-off' then endPutOff(root, id, why) end
if place == 'scheduled' then
  redis.call('ZREM', root .. 'due', string.format('%016d:%s', numberOf(seq) or 0, id))
else
  leaveLane(root, lane, id, nil, behind)
end
local now = redisNowMs()
redis.call('HSET', KEYS[1], 'place', 'ended', 'why', 'cancelled', 'finishedOn', now)
redis.call('ZADD', send .. 'completed', now, id)
noteEvent(root, id, lane, 'cancelled', now, {}, {})
wakeForWork(root, now)
return { 'cancelled' }
