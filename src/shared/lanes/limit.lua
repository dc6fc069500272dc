-- Put before the scripts that reserve. A limit is kept by GCRA: the key holds the theoretical arrival time, in ms, from
-- which on the next one is late enough. A slot is reserved, in the future if need be, and never given back.

-- Beside it stands what it was made with: what another limit has reserved ahead, an hour perhaps, doesn't hold up this one.

local function arrivalOf(key, now, intervalMs, burst)
  local arrivalText, made = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
  local arrival = math.max(tonumber(arrivalText or 0), now)
  local making = string.format('%.6f/%d', intervalMs, burst)
  if made ~= making then arrival = math.min(arrival, now + intervalMs) end
  return arrival, making
end

-- When the next one may go: `now`, or later, but so much earlier than the limit says as `headMs`. Reserves nothing.
local function nextSlot(key, now, intervalMs, burst, headMs)
  return math.max(now, arrivalOf(key, now, intervalMs, burst) - (burst - 1) * intervalMs - (headMs or 0))
end

-- Returns the time of the slot: `now`, or later.
local function reserveSlot(key, now, intervalMs, burst)
  local arrival, making = arrivalOf(key, now, intervalMs, burst)
  local nextArrival = arrival + intervalMs
  -- Kept a minute longer than it counts: an operator's look at Redis then finds it.
  redis.call('SET', key, string.format('%.3f', nextArrival) .. ' ' .. making, 'PX', math.ceil(nextArrival - now) + 60000)
  return math.max(now, arrival - (burst - 1) * intervalMs)
end
