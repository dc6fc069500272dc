-- lib/limit
--
-- Put before the scripts that let messages go. Limits use GCRA: the theoretical arrival time (`tat`), in ms, is when the next message
-- is due. Redis's clock may step back: a stored time further ahead than possible is replaced at once, or messages would wait until
-- the clock has caught up.

-- Returns a field as a number that Redis takes as a score, or nil.
local function numberOf(text)
  local number = tonumber(text)
  return number == number and number or nil
end

-- Slots are reserved no further ahead than this, so a message with high priority and a changed limit wait no longer than this.
local HORIZON_MS = 500
-- When messages are late, they leave at CATCH_UP times the interval until the delay is made up for, so that no second exceeds the
-- limit by more than a tenth. Lateness beyond LATENESS_MS is lost.
local CATCH_UP, LATENESS_MS, JITTER_MS = 0.95, 2000, 20
-- The leader notes the time at least every 1.5 s. An older note means that Redis was away, or that its clock has stepped forward.
local LONGEST_TICK_MS = 12000

local function isAfterGap(fleet, now)
  return fleet.time and now - fleet.time > LONGEST_TICK_MS
end

local function isDueBy(now, tat, intervalMs, burst)
  return tat - (burst - 1) * intervalMs <= now
end

-- With a page limit slots are reserved one by one, so a worker that is a little late for a slot must not lose the next one.
local function boundedTat(fleet, now)
  local earliest = now - (fleet.pageIntervalMs > 0 and math.min(JITTER_MS, fleet.intervalMs) or 0)
  -- Redis's clock may have stepped forward while slots are still reserved; the leader may have noted that already.
  if isAfterGap(fleet, now) then
    earliest = now + HORIZON_MS
  elseif fleet.backAt and fleet.backAt <= now then
    earliest = math.max(earliest, fleet.backAt + HORIZON_MS)
  end
  return math.min(math.max(fleet.tat, earliest), now + HORIZON_MS + fleet.burst * fleet.intervalMs)
end

-- Returns how many slots of the fleet's limit can be reserved now, at most `most`.
local function countSlots(root, fleet, now, most)
  local tat, count = boundedTat(fleet, now), 0
  if tat < fleet.tat then redis.call('HSET', root .. 'fleet', 'tat', string.format('%.3f', tat)) end
  while count < most and isDueBy(now + HORIZON_MS, tat + count * fleet.intervalMs, fleet.intervalMs, fleet.burst) do
    count = count + 1
  end
  return count
end

-- Reserves slots for places of one worker. Returns their times; the time of a slot that is due already is now.
local function reserveSlots(root, fleet, now, count)
  local tat, slots = boundedTat(fleet, now), {}
  for i = 1, count do
    slots[i] = math.max(now, tat - (fleet.burst - 1) * fleet.intervalMs)
    tat = tat + fleet.intervalMs
  end
  fleet.nextSlot = math.max(now, tat - (fleet.burst - 1) * fleet.intervalMs)
  if count > 0 then
    -- The worker that has these slots looks again at the last of them.
    fleet.wakeAt = slots[count]
    redis.call('HSET', root .. 'fleet', 'tat', string.format('%.3f', tat), 'wakeAt', string.format('%.3f', fleet.wakeAt))
  end
  return slots
end

-- `rate:<page>` is `<tat> <tat at the pace of catching up>`. Returns both, and whether one of them lay too far ahead.
local function readPageRate(root, page, fleet, now)
  local rate = redis.pcall('GET', root .. 'rate:' .. page)
  local tat, paced = string.match(type(rate) == 'string' and rate or '', '^(%S+) (%S+)$')
  local latest = now + fleet.pageBurst * fleet.pageIntervalMs
  tat, paced = numberOf(tat), numberOf(paced)
  local isTooLate = (tat or 0) > latest or (paced or 0) > latest
  return math.min(tat or now, latest), math.min(paced or 0, latest), isTooLate
end

local function writePageRate(root, page, now, tat, paced)
  local text = string.format('%.3f %.3f', tat, paced)
  -- Kept for a minute after it has expired, so that an operator who looks into Redis can see it.
  redis.call('SET', root .. 'rate:' .. page, text, 'PX', math.ceil(math.max(0, tat - now)) + 60000)
end

-- Uses up the page's limit for the messages that may leave now, at most `most`. Returns their number, and when the next message may
-- leave, rounded up to whole ms like the clock, so that no worker looks too early.
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

-- Forgets the lateness of a page that had nothing to send.
local function forgetLateness(root, page, fleet)
  local now = redisNowMs()
  local tat, paced = readPageRate(root, page, fleet, now)
  if tat < now then writePageRate(root, page, now, now, paced) end
end
