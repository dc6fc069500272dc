-- dead/expire
--
-- Removes dead letters that have been kept long enough, and index entries of letters that others have removed.
-- A conversation that such a letter holds stays held: only an operator ends that hold.
--
-- KEYS[1] BullMQ's dead letters by time of death
-- ARGV[1] root  ARGV[2] how long they are kept, in ms  ARGV[3] most letters of one call
-- ARGV[4] where the last scan of the indexes stopped; '0' for the beginning
--
-- Returns { number of expired letters that were removed, where this scan stopped }.

local root = ARGV[1]
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', redisNowMs() - tonumber(ARGV[2]), 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  local _, lane = takeLetter(root, id)
  if lane then forgetHold(root, lane, id, true) end
end

local found = redis.call('HSCAN', root .. 'letters', ARGV[4], 'COUNT', ARGV[3])
for i = 1, #found[2], 2 do
  local id = found[2][i]
  if redis.call('EXISTS', root .. 'dead:' .. id) == 0 then redis.call('ZREM', KEYS[1], id) end
  if not redis.call('ZSCORE', KEYS[1], id) then forgetRemoved(root, id) end
end
return { #ids, found[1] }
