-- Ends a message that no worker has, with a dead letter that was added hidden in the same MULTI: one that BullMQ failed by
-- itself, or one whose data no worker can read.
--
-- KEYS[1] the job's hash
-- ARGV[1] root  ARGV[2] message id  ARGV[3] '1' if no worker can read the job: then it may be taken from a worker, too,
-- since none of our code runs on it  ARGV[4] the conversation's hold as JSON if dead letters hold theirs, or ''
--
-- Returns {'done'}, or with the letter dropped {'not ours'} (a worker has it, or it has ended, or it is gone), or
-- {'missing'} (the add of the letter failed).

local root, id = ARGV[1], ARGV[2]
local send = root .. 'send:'

if not isLetterThere(root, id) then return { 'missing' } end
local job = redis.call('HMGET', KEYS[1], 'lane', 'settled')
local lane, settled = job[1], job[2]

local function takeFromBullMq()
  if redis.call('ZREM', send .. 'failed', id) == 1 then return true end
  if ARGV[3] ~= '1' then return false end
  redis.call('DEL', KEYS[1] .. ':lock')
  redis.call('SREM', send .. 'stalled', id)
  return redis.call('LREM', send .. 'wait', 1, id) + redis.call('LREM', send .. 'active', 1, id) > 0
end

if not lane or settled or not takeFromBullMq() then
  dropLetter(root, id)
  -- It had ended before BullMQ failed it. Left there it would stand in the way of those that are to be buried.
  if settled and redis.call('ZREM', send .. 'failed', id) == 1 then
    redis.call('ZADD', send .. 'completed', redisNowMs(), id)
  end
  return { 'not ours' }
end

endPutOff(root, lane, id)
redis.call('ZREM', root .. 'due', id)
showLetter(root, id, lane)
holdForLetter(root, lane, id, ARGV[4])
redis.call('DEL', KEYS[1])
leaveLane(root, lane, id)
redis.call('HINCRBY', root .. 'repairs', 'buried', 1)
return { 'done' }
