-- lib/event-groups
--
-- Put before the scripts that look at the groups of the stream of events.

-- Returns what Redis knows of each group, by its names, such as `last-delivered-id`. There are none without the stream.
local function groupsOf(events)
  local groups = {}
  if redis.call('EXISTS', events) == 0 then return groups end
  for n, answer in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    groups[n] = {}
    for i = 1, #answer, 2 do groups[n][answer[i]] = answer[i + 1] end
  end
  return groups
end
