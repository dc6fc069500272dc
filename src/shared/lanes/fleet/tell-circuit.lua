-- Notes what requests have shown of the API or of a key, and opens or closes its circuit.
--
-- KEYS[1] the circuits  KEYS[2] messages that failed lately, by time  KEYS[3] number of recent successes, by second
-- ARGV[1] the circuit's name  ARGV[2] 'ok' | 'failed' | 'nothing' (a probe that showed
-- nothing: another probe may leave)  ARGV[3] '1' if the request was a probe of this circuit
-- ARGV[4] the message that failed, or ''  ARGV[5] number of successes that were not reported yet
-- ARGV[6] failures of different messages that open the circuit  ARGV[7] the reason to show
-- ARGV[8] the first pause before a probe, in ms  ARGV[9] the longest pause, in ms  ARGV[10] '1' if this failure opens it in any case
--
-- Returns the ms until the next probe if the circuit is open, or 0.

local WINDOW_MS = 10000
local name, failed, isProbe = ARGV[1], ARGV[2] == 'failed', ARGV[3] == '1'
local now = redisNowMs()
local circuit = openCircuit(KEYS[1], name, now)

local function closeCircuit()
  redis.call('HDEL', KEYS[1], name)
  redis.call('DEL', KEYS[2], KEYS[3])
end

local function openFor(pauseMs)
  writeCircuit(KEYS[1], { name = name, probeAt = now + pauseMs, pauseMs = pauseMs, probingUntil = 0, reason = ARGV[7] })
  return pauseMs
end

local function countSuccesses()
  local count = 0
  local seconds = redis.call('HGETALL', KEYS[3])
  for i = 1, #seconds, 2 do
    if math.abs(now - tonumber(seconds[i]) * 1000) > WINDOW_MS then redis.call('HDEL', KEYS[3], seconds[i])
    else count = count + tonumber(seconds[i + 1]) end
  end
  return count
end

if ARGV[5] ~= '0' then
  redis.call('HINCRBY', KEYS[3], math.floor(now / 1000), ARGV[5])
  redis.call('PEXPIRE', KEYS[3], 2 * WINDOW_MS)
end

if circuit then
  if ARGV[2] == 'nothing' then
    circuit.probingUntil = 0
    writeCircuit(KEYS[1], circuit)
    return math.max(1, circuit.probeAt - now)
  end
  if not isProbe then return math.max(1, circuit.probeAt - now) end
  if failed then return openFor(math.min(circuit.pauseMs * 2, tonumber(ARGV[9]))) end
  closeCircuit()
  return 0
end
if not failed then return 0 end

redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - WINDOW_MS)
-- Entries of the future were noted before Redis's clock stepped back.
redis.call('ZREMRANGEBYSCORE', KEYS[2], now + 1, '+inf')
redis.call('PEXPIRE', KEYS[2], 2 * WINDOW_MS)
local failures = redis.call('ZCARD', KEYS[2])
-- A single message that fails must not stop the others: the circuit opens after several failures that are half of all requests.
local areMany = failures >= tonumber(ARGV[6]) and failures >= countSuccesses()
if not areMany and ARGV[10] ~= '1' then return 0 end
return openFor(tonumber(ARGV[8]))
