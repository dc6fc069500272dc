-- lib/pace
--
-- Put before the scripts that pace messages after the API has asked to slow down. Needs circuit.lua before it.
--
-- A guess doubles each second. From a pace that was refused, messages go on a little slower, reach that pace again after ten seconds, and
-- then rise faster and faster, as TCP's CUBIC does: so a limit costs few refusals, and its end is found out soon.

local FIRST_GUESS, STEP_BACK, BACK_AFTER = 10, 0.15, 10
-- A pace that is this fast, or was not refused for this long, is no limit any more.
local FAST_ENOUGH, FORGOTTEN_AFTER = 5000, 60

local function secondsOfPace(circuit, now)
  return math.min(FORGOTTEN_AFTER, math.max(0, now - circuit.probeAt) / 1000)
end

local function messagesPerSecond(circuit, seconds)
  if circuit.isGuess then return circuit.perSecond * 2 ^ seconds end
  return circuit.perSecond * (1 + STEP_BACK * ((seconds - BACK_AFTER) / BACK_AFTER) ^ 3)
end

local function isPaceOver(circuit, now)
  local seconds = secondsOfPace(circuit, now)
  return seconds >= FORGOTTEN_AFTER or messagesPerSecond(circuit, seconds) >= FAST_ENOUGH
end

-- Returns how many messages may have left by then: the integral of the pace.
local function allowedBy(circuit, seconds)
  if circuit.isGuess then return circuit.perSecond / math.log(2) * (2 ^ seconds - 1) end
  local x = (seconds - BACK_AFTER) / BACK_AFTER
  return circuit.perSecond * (seconds + STEP_BACK * BACK_AFTER / 4 * (x ^ 4 - 1))
end

-- Returns when the message with this number may leave, in seconds: the inverse of `allowedBy`.
local function secondsUntil(circuit, number)
  if circuit.isGuess then return math.log(1 + number * math.log(2) / circuit.perSecond) / math.log(2) end
  local from, to = 0, FORGOTTEN_AFTER
  for _ = 1, 30 do
    local middle = (from + to) / 2
    if allowedBy(circuit, middle) < number then from = middle else to = middle end
  end
  return to
end

-- Returns the pace in the second before a request began: what was refused. The pace of now lies higher, by the time of the answer.
local function paceBefore(circuit, seconds)
  if seconds < 0.1 then return messagesPerSecond(circuit, seconds) end
  local from = math.max(0, seconds - 1)
  return (allowedBy(circuit, seconds) - allowedBy(circuit, from)) / (seconds - from)
end

-- Reserves the next slot. Returns its time in ms.
local function reserveSlot(circuit, now)
  local number = math.max(circuit.reserved, allowedBy(circuit, secondsOfPace(circuit, now)))
  circuit.reserved = number + 1
  return math.max(now, math.ceil(circuit.probeAt + secondsUntil(circuit, number) * 1000))
end
