-- Put before the scripts that read or change circuits: fields of one hash, `<probe at> <pause> <probing until> <reason>`.
-- A closed one has no field.

local function openCircuit(key, name)
  local text = redis.call('HGET', key, name)
  if not text then return end
  local probeAt, pauseMs, probingUntil, reason = string.match(text, '^(%d+) (%d+) (%d+) (%S+)$')
  return tonumber(probeAt), {
    name = name, probeAt = tonumber(probeAt), pauseMs = tonumber(pauseMs), probingUntil = tonumber(probingUntil), reason = reason,
  }
end

local function writeCircuit(key, circuit)
  local text = string.format('%d %d %d %s', circuit.probeAt, circuit.pauseMs, circuit.probingUntil, circuit.reason)
  redis.call('HSET', key, circuit.name, text)
end
