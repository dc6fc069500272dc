-- Put before the scripts that let messages go. A limit is kept by GCRA: the theoretical arrival time (`tat`), in ms, is when
-- the next one is due. Redis's clock may step back: a stored time that lies further ahead than it can is replaced at once, or it
-- would stay ahead until the clock is where it was.

-- Slots are reserved this far ahead and no further: a message with high priority and a limit that was changed wait no longer.
local HORIZON_MS = 500
-- What was late, since nobody had the time to send it, is made up for at this part of the interval, so that no second has more than
-- a tenth over the limit. Lateness beyond this is lost.
local CATCH_UP, LATENESS_MS, JITTER_MS = 0.95, 2000, 20
-- The leader notes the time every second; longer than this ago, it was another time then.
local LONGEST_TICK_MS = 12000

local function isAfterGap(fleet, now)
  return fleet.time and now - fleet.time > LONGEST_TICK_MS
end

local function isDueBy(now, tat, intervalMs, burst)
  return tat - (burst - 1) * intervalMs <= now
end

-- With a page limit slots are reserved one by one: a worker that came a little late for one has not lost the next one.
local function boundedTat(fleet, now)
  local earliest = now - (fleet.pageIntervalMs > 0 and math.min(JITTER_MS, fleet.intervalMs) or 0)
  -- Redis's clock has stepped forward, and slots are still reserved.
  if isAfterGap(fleet, now) then earliest = now + HORIZON_MS end
  return math.min(math.max(fleet.tat, earliest), now + HORIZON_MS + fleet.burst * fleet.intervalMs)
end

-- How many slots of the fleet's limit can be reserved now, at most `most`.
local function countSlots(root, fleet, now, most)
  local tat, count = boundedTat(fleet, now), 0
  if tat < fleet.tat then redis.call('HSET', root .. 'fleet', 'tat', string.format('%.3f', tat)) end
  while count < most and isDueBy(now + HORIZON_MS, tat + count * fleet.intervalMs, fleet.intervalMs, fleet.burst) do
    count = count + 1
  end
  return count
end

-- Reserves slots for places of one worker. Returns their times; those that are due count as now.
local function reserveSlots(root, fleet, now, count)
  local tat, slots = boundedTat(fleet, now), {}
  for i = 1, count do
    slots[i] = math.max(now, tat - (fleet.burst - 1) * fleet.intervalMs)
    tat = tat + fleet.intervalMs
  end
  fleet.nextSlot = math.max(now, tat - (fleet.burst - 1) * fleet.intervalMs)
  if count > 0 then
    -- Whoever has them looks again then.
    fleet.wakeAt = slots[count]
    redis.call('HSET', root .. 'fleet', 'tat', string.format('%.3f', tat), 'wakeAt', string.format('%.3f', fleet.wakeAt))
  end
  return slots
end

-- `rate:<page>` is `<tat> <tat at the pace of catching up>`. Returns whether it lay too far ahead, too.
local function readPageRate(root, page, fleet, now)
  local tat, paced = string.match(redis.call('GET', root .. 'rate:' .. page) or '', '^(%S+) (%S+)$')
  local latest = now + fleet.pageBurst * fleet.pageIntervalMs
  local isTooLate = tonumber(tat or 0) > latest
  return math.min(tonumber(tat or now), latest), math.min(tonumber(paced or 0), latest), isTooLate
end

local function writePageRate(root, page, now, tat, paced)
  local text = string.format('%.3f %.3f', tat, paced)
  -- Kept a minute longer than it counts: an operator's look at Redis then finds it.
  redis.call('SET', root .. 'rate:' .. page, text, 'PX', math.ceil(math.max(0, tat - now)) + 60000)
end

-- How many messages of the page may leave now, at most `most`; they are taken to leave. Returns when the next one may, too, in whole
-- ms: before the clock shows them nobody need look.
local function passPageLimit(root, page, fleet, now, most)
  local intervalMs, burst = fleet.pageIntervalMs, fleet.pageBurst
  local tat, paced, wasTooLate = readPageRate(root, page, fleet, now)
  tat = math.max(tat, now - LATENESS_MS)
  local count = 0
  while count < most and isDueBy(now, tat, intervalMs, burst) and isDueBy(now, paced, CATCH_UP * intervalMs, burst) do
    count = count + 1
    tat = tat + intervalMs
    paced = math.max(paced, now - JITTER_MS) + CATCH_UP * intervalMs
  end
  if count > 0 or wasTooLate then writePageRate(root, page, now, tat, paced) end
  return count, math.ceil(math.max(tat - (burst - 1) * intervalMs, paced - (burst - 1) * CATCH_UP * intervalMs))
end

-- A page that had nothing to send was not late.
local function forgetLateness(root, page, fleet)
  local now = redisNowMs()
  local tat, paced = readPageRate(root, page, fleet, now)
  if tat < now then writePageRate(root, page, now, now, paced) end
end
