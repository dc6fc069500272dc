-- Says whether the circuits of the API and of the key let a request leave now. An open circuit lets one request through as a probe
-- whenever its pause is over.
--
-- KEYS[1] the circuits
-- ARGV[1] how long a probe may take, in ms  ARGV[2]… the names of the circuits that the request depends on
--
-- Returns {'go'}, {'probe'} or {'hold', ms}.

local now, probeMs = redisNowMs(), tonumber(ARGV[1])
local probes = {}
for i = 2, #ARGV do
  local circuit = openCircuit(KEYS[1], ARGV[i], now)
  if circuit then
    local probingMs = circuit.probingUntil - now
    -- A circuit that is being probed may close at any moment. A probe that ends later than it can began before Redis's clock stepped back.
    if probingMs > 0 and probingMs <= probeMs then return { 'hold', math.min(1000, probingMs) } end
    if now < circuit.probeAt then return { 'hold', circuit.probeAt - now } end
    table.insert(probes, circuit)
  end
end
for _, circuit in ipairs(probes) do
  circuit.probingUntil = now + probeMs
  writeCircuit(KEYS[1], circuit)
end
return { #probes > 0 and 'probe' or 'go' }
