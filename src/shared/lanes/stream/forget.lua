-- stream/forget
--
-- Removes a group. Without a group no more events are written.
--
-- KEYS[1] the stream of events  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] group
--
-- Returns 1, or 0 if there is no such group.

local events, readers, group = KEYS[1], ARGV[1] .. 'readers', ARGV[2]
local removed = redis.call('EXISTS', events) == 1 and redis.call('XGROUP', 'DESTROY', events, group) or 0
redis.call('SREM', events .. ':content', group)
for _, name in ipairs({ 'owner:', 'until:', 'seen:', 'acks:' }) do redis.call('HDEL', readers, name .. group) end
if removed == 1 and #groupsOf(events) == 0 then redis.call('DEL', events, events .. ':content') end
return removed
