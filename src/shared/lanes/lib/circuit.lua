-- lib/circuit
--
-- Put before the scripts that read or change circuits: the fields `<trouble> <name>` of one hash, as JSON. A closed circuit has no field.
--
-- A probed circuit lets one request at a time leave, from `probeAt` on. A paced one lets all leave from `probeAt` on, at a pace that
-- rises with time.

local function readCircuit(key, field, now)
  local json = redis.call('HGET', key, field)
  if not json then return end
  local isJson, circuit = pcall(cjson.decode, json)
  if not isJson or type(circuit) ~= 'table' or type(circuit.probeAt) ~= 'number' or type(circuit.pauseMs) ~= 'number' then return end
  -- A time further ahead than possible was written before Redis's clock stepped back. Slots of the time before are void then.
  if circuit.probeAt > now + circuit.pauseMs then
    circuit.probeAt, circuit.reserved, circuit.refusedAt = now, 0, 0
  end
  if circuit.triedAt and circuit.triedAt > now + circuit.triedMs then circuit.triedAt = nil end
  return circuit
end

local function writeCircuit(key, field, circuit)
  redis.call('HSET', key, field, cjson.encode(circuit))
end
