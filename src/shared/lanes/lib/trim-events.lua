-- lib/trim-events
--
-- Put before tick.lua. Needs event-groups.lua before it. Removes events that every group has acknowledged, and the oldest ones past a bound. Without a group the stream
-- goes, so that no more events are written.

local MOST_RENUMBERED = 10000

-- The first entry that a group still needs. Its last id is the last entry up to which it has acknowledged all.
local function firstNeeded(group)
  local ms, number = string.match(group['last-delivered-id'], '^(%d+)-(%d+)$')
  return string.format('%s-%.0f', ms, tonumber(number) + 1)
end

local function isBefore(one, other)
  local ms, number = string.match(one, '^(%d+)-(%d+)$')
  local otherMs, otherNumber = string.match(other, '^(%d+)-(%d+)$')
  if ms ~= otherMs then return tonumber(ms) < tonumber(otherMs) end
  return tonumber(number) < tonumber(otherNumber)
end

-- Once others have added an entry with a number of its own, events get such numbers, too. Their turn in the sequence is restored, and
-- what others have added goes.
local function renumber(events, lastAcknowledged)
  local odd = redis.call('XRANGE', events, '1-0', '+', 'COUNT', MOST_RENUMBERED)
  if #odd == 0 then return end
  for _, entry in ipairs(odd) do redis.call('XDEL', events, entry[1]) end
  local top = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
  redis.call('XSETID', events, top and top[1] or lastAcknowledged)
  for _, entry in ipairs(odd) do
    if entry[2][1] == 'event' then redis.call('XADD', events, '0-*', 'event', entry[2][2]) end
  end
end

local function trimEvents(root, most)
  local events = root .. 'events'
  if redis.call('EXISTS', events) == 0 then return end
  local last = '0-0'
  local needed
  for _, group in ipairs(groupsOf(events)) do
    local first = firstNeeded(group)
    if not needed or isBefore(first, needed) then needed = first end
    if isBefore(last, group['last-delivered-id']) then last = group['last-delivered-id'] end
  end
  if not needed then return redis.call('DEL', events, events .. ':content') end
  renumber(events, last)
  redis.call('XTRIM', events, 'MINID', needed)
  redis.call('XTRIM', events, 'MAXLEN', most)
end
