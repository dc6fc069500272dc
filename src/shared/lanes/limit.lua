-- Put before the scripts that reserve. A limit is kept by GCRA: the key holds the theoretical arrival time, in ms, from
-- which on the next one is late enough. A slot is reserved, in the future if need be, and never given back.

-- Returns the time of the slot: `now`, or later.
local function reserveSlot(key, now, intervalMs, burst)
  local arrival = math.max(tonumber(redis.call('GET', key) or 0), now)
  local nextArrival = arrival + intervalMs
  -- Kept a minute longer than it counts: an operator's look at Redis then finds it.
  redis.call('SET', key, string.format('%.3f', nextArrival), 'PX', math.ceil(nextArrival - now) + 60000)
  return math.max(now, arrival - (burst - 1) * intervalMs)
end
