-- messages/find-stalled
--
-- Puts messages whose worker died into BullMQ's `wait`, before all others: they are in `active`, and their locks have ended. It does what
-- BullMQ's own check does, with the same keys, but the work of that grows with the square of what others have written into `active`.
--
-- KEYS[1] BullMQ's set `stalled`: what was active at the last check and has not renewed its lock since  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] ms between two checks, whichever workers make them
--
-- Returns the number of messages that were found.

-- Workers have far fewer messages at once. If there are more, others have written them: then each check looks at this many and puts
-- those with a lock to the other end.
local MOST_AT_ONCE = 2000
local LONGEST_PAUSE_MS = 60000
local root = ARGV[1]
local send = root .. 'send:'
local active, wait = send .. 'active', send .. 'wait'
if not redis.call('SET', send .. 'stalled-check', nowText(), 'PX', ARGV[2], 'NX') then
  local leftMs = redis.call('PTTL', send .. 'stalled-check')
  if leftMs >= 0 and leftMs <= LONGEST_PAUSE_MS then return 0 end
  -- Somebody else wrote it, or it would last for ever.
  redis.call('SET', send .. 'stalled-check', nowText(), 'PX', ARGV[2])
end

local isTooLong = redis.call('LLEN', active) > MOST_AT_ONCE
local ids = isTooLong and redis.call('RPOP', active, MOST_AT_ONCE) or redis.call('LRANGE', active, 0, -1)
local wasActive = #ids > 0 and redis.call('SMISMEMBER', KEYS[1], unpack(ids)) or {}
local others, found = {}, {}
for i, id in ipairs(ids) do
  if (isTooLong or wasActive[i] == 1) and redis.call('EXISTS', send .. id .. ':lock') == 0 then
    if not isTooLong then redis.call('LREM', active, -1, id) end
    found[#found + 1] = id
  else
    others[#others + 1] = id
  end
end
redis.call('DEL', KEYS[1])
if #others > 0 then redis.call('SADD', KEYS[1], unpack(others)) end
if #others > 0 and isTooLong then redis.call('LPUSH', active, unpack(others)) end
if #found > 0 then
  redis.call('RPUSH', wait, unpack(found))
  wakeWorker(root)
end
return #found
