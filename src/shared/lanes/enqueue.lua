-- Puts a message that was added just before, in the same MULTI, into its conversation's lane; if it is the head, into
-- its page's window. Running it twice for one message does nothing the second time. A message that replays a dead letter
-- takes the letter away, and goes to the front if the letter holds the conversation; that hold ends.
--
-- KEYS[1] the job's hash
-- ARGV[1] root  ARGV[2] message id  ARGV[3] lane  ARGV[4] ttl in ms  ARGV[5] most open messages in the shard
-- ARGV[6] name of the idempotency key, or ''  ARGV[7] hash of the request  ARGV[8] how long the key counts, in ms
-- ARGV[9] id of the dead letter that this message replays, or ''
-- ARGV[10] when it is due: '' for now, '+<ms>' from now, '<ms>' as a time  ARGV[11] '1' for high priority, or ''
--
-- Returns {'stored'}, or, with the added job taken back: {'duplicate', id of the first}, {'conflict', id of the
-- first}, {'full'}, {'gone'} (no such dead letter any more), {'missing'} (the add before failed).

local root, id, lane = ARGV[1], ARGV[2], ARGV[3]
local send = root .. 'send:'

if redis.call('EXISTS', KEYS[1]) == 0 then return { 'missing' } end
if redis.call('HEXISTS', KEYS[1], 'lane') == 1 then return { 'stored' } end

local function takeBack(...)
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', send .. 'waiting-children', id)
  return { ... }
end

-- The same add came before, and its message is dead already: BullMQ knows no job of it any more, its letter does.
if redis.call('EXISTS', root .. 'dead:' .. id) == 1 then return takeBack('stored') end

-- A script that has written once may go on when memory runs out: this no-op keeps the message from being stored by half.
redis.call('HDEL', KEYS[1], 'lane')

local keyName = ARGV[6] ~= '' and root .. 'idem:' .. ARGV[6]
if keyName then
  local known = redis.call('GET', keyName)
  if known then
    local firstId, firstHash = string.match(known, '^(%S+) (%S+)$')
    return takeBack(firstHash == ARGV[7] and 'duplicate' or 'conflict', firstId)
  end
end

local open = redis.call('ZCARD', send .. 'waiting-children') + redis.call('LLEN', send .. 'wait')
  + redis.call('LLEN', send .. 'active') + redis.call('ZCARD', send .. 'delayed')
if open > tonumber(ARGV[5]) then return takeBack('full') end

local isHigh, isFirst = ARGV[11] ~= '', false
if ARGV[9] ~= '' then
  isHigh = isHigh or redis.call('HEXISTS', root .. 'dead:' .. ARGV[9], 'high') == 1
  if not takeLetter(root, ARGV[9]) then return takeBack('gone') end
  isFirst = forgetHold(root, lane, ARGV[9]) ~= 'none'
end

if keyName then redis.call('SET', keyName, id .. ' ' .. ARGV[7], 'PX', ARGV[8]) end
local now = redisNowMs()
local due = now
if ARGV[10] ~= '' then due = tonumber(ARGV[10]) + (string.sub(ARGV[10], 1, 1) == '+' and now or 0) end
redis.call('HSET', KEYS[1], 'lane', lane, 'exp', math.max(now, due) + tonumber(ARGV[4]))
if isHigh then redis.call('HSET', KEYS[1], 'high', '1') end
if due > now then
  redis.call('HSET', KEYS[1], 'due', due)
  redis.call('ZADD', root .. 'due', due, id)
  hide(root, id)
elseif isFirst then
  joinFront(root, lane, id)
else
  joinLane(root, lane, id)
end
return { 'stored' }
