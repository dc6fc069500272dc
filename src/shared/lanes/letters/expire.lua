-- Takes away dead letters that have been kept long enough, and takes out of the indexes what others have removed.
-- A conversation that such a letter holds stays held: that is for an operator to end.
--
-- KEYS[1] BullMQ's dead letters by time of death
-- ARGV[1] root  ARGV[2] how long they are kept, in ms  ARGV[3] at most so many
-- ARGV[4] where the last look at the indexes stopped; '0' for the beginning
--
-- Returns { letters that were taken away, where this look stopped }.

local root = ARGV[1]
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', redisNowMs() - tonumber(ARGV[2]), 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  local _, lane = takeLetter(root, id)
  if lane then forgetHold(root, lane, id, true) end
end

local found = redis.call('HSCAN', root .. 'letters', ARGV[4], 'COUNT', ARGV[3])
for i = 1, #found[2], 2 do
  local id = found[2][i]
  if not redis.call('ZSCORE', KEYS[1], id) then forgetRemoved(root, id) end
end
return { #ids, found[1] }
