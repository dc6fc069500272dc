-- lib/trim-events
--
-- Put before tick.lua. Removes events that every group has acknowledged, and the oldest ones past a bound. Without a group the stream
-- goes, so that no more events are written.

local function fieldsIn(answer)
  local fields = {}
  for i = 1, #answer, 2 do fields[answer[i]] = answer[i + 1] end
  return fields
end

-- The first entry that a group still needs: the oldest one that is not acknowledged, or the one after the last that was handed out.
local function firstNeeded(events, group)
  local oldest = group.pending > 0 and redis.call('XPENDING', events, group.name)[2]
  if oldest then return oldest end
  local ms, number = string.match(group['last-delivered-id'], '^(%d+)-(%d+)$')
  return string.format('%s-%.0f', ms, tonumber(number) + 1)
end

local function isBefore(one, other)
  local ms, number = string.match(one, '^(%d+)-(%d+)$')
  local otherMs, otherNumber = string.match(other, '^(%d+)-(%d+)$')
  if ms ~= otherMs then return tonumber(ms) < tonumber(otherMs) end
  return tonumber(number) < tonumber(otherNumber)
end

local function trimEvents(root, most)
  local events = root .. 'events'
  if redis.call('EXISTS', events) == 0 then return end
  local needed
  for _, answer in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local first = firstNeeded(events, fieldsIn(answer))
    if not needed or isBefore(first, needed) then needed = first end
  end
  if not needed then return redis.call('DEL', events, events .. ':content') end
  redis.call('XTRIM', events, 'MINID', needed)
  redis.call('XTRIM', events, 'MAXLEN', most)
end
