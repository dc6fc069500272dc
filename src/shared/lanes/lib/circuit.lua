-- Put before the scripts that read or change circuits: fields of one hash, `<probe at> <pause> <probing until> <reason>`.
-- A closed circuit has no field.

local function openCircuit(key, name, now)
  local text = redis.call('HGET', key, name)
  if not text then return end
  local probeAt, pauseMs, probingUntil, reason = string.match(text, '^(%d+) (%d+) (%d+) (%S+)$')
  pauseMs = tonumber(pauseMs)
  -- A probe further ahead than the pause means that Redis's clock has stepped back; the probe is due.
  return { name = name, probeAt = tonumber(probeAt) > now + pauseMs and now or tonumber(probeAt), pauseMs = pauseMs, probingUntil = tonumber(probingUntil), reason = reason }
end

local function writeCircuit(key, circuit)
  local text = string.format('%d %d %d %s', circuit.probeAt, circuit.pauseMs, circuit.probingUntil, circuit.reason)
  redis.call('HSET', key, circuit.name, text)
end
