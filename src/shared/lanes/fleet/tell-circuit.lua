-- fleet/tell-circuit
--
-- Opens a circuit, or tells it what a request has shown.
--
-- KEYS[1] the circuits  KEYS[2] the absent key
-- ARGV[1] the circuit's field  ARGV[2] what was seen: 'failed' | 'probe-failed' | 'tried-failed'
-- (the same, by a message that was tried before) | 'refused' (by a limit) | 'asked' (by a hook) | 'nothing' (a probe that showed
-- nothing: another one may leave)  ARGV[3] what to show of the circuit, as JSON  ARGV[4] the first pause, in ms  ARGV[5] the longest
-- pause, in ms  ARGV[6] the pause that the API asked for, in ms, or ''  ARGV[7] how long ago the request began, in ms
-- ARGV[8] '1' if a message was accepted since the last refusal
--
-- Returns { the ms until the next message may leave, '1' if this call opened the circuit }.

local field, seen = ARGV[1], ARGV[2]
local firstMs, longestMs, askedMs, beganMs = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local now = redisNowMs()
local circuit = readCircuit(KEYS[1], field, now)

local function pauseFor(ms)
  circuit.pauseMs, circuit.probeAt, circuit.probingUntil, circuit.reserved = ms, now + ms, 0, 0
  if seen == 'refused' or seen == 'asked' then circuit.refusedAt = now end
end

local function describe()
  for name, value in pairs(cjson.decode(ARGV[3])) do circuit[name] = value end
end

local function answer(isNew)
  writeCircuit(KEYS[1], field, circuit)
  return { math.max(1, circuit.probeAt - now), isNew and '1' or '0' }
end

if not circuit then
  if seen == 'nothing' then return { 0, '0' } end
  circuit = cjson.decode(ARGV[3])
  circuit.since = now
  if seen == 'refused' then circuit.perSecond, circuit.isGuess = FIRST_GUESS, true end
  -- A hook has said how long to wait, and that is all.
  if seen == 'asked' then circuit.perSecond, circuit.isGuess = FAST_ENOUGH, true end
  pauseFor(askedMs or firstMs)
  return answer(true)
end

if seen == 'nothing' then
  circuit.probingUntil = 0
elseif seen == 'probe-failed' then
  describe()
  pauseFor(askedMs or math.min(circuit.pauseMs * 2, longestMs))
elseif seen == 'tried-failed' then
  circuit.triedMs = math.min(2 * (circuit.triedMs or firstMs), longestMs)
  circuit.probingUntil, circuit.triedAt = 0, now + circuit.triedMs
elseif seen == 'refused' and now - beganMs >= circuit.refusedAt then
  -- The request began after the last refusal, so it was the pace that was refused.
  local seconds = secondsOfPace(circuit, now - beganMs)
  describe()
  circuit.perSecond, circuit.isGuess = math.max(0.01, paceBefore(circuit, seconds)), false
  pauseFor(askedMs or (ARGV[8] == '1' and firstMs or math.min(circuit.pauseMs * 2, longestMs)))
elseif askedMs and now + askedMs > circuit.probeAt then
  circuit.probeAt, circuit.pauseMs = now + askedMs, askedMs
end
return answer(false)
