-- Says whether a request may leave now as far as the fleet is concerned: its limit, and the circuits of the API and of the
-- key. An open circuit lets one request through as a probe whenever its pause is over.
--
-- KEYS[1] the circuits  KEYS[2] the limit's arrival time  KEYS[3] the limits that were set at run time: they win, and the
-- asker may not know them yet
-- ARGV[1] ms between two sends, or '' for no limit  ARGV[2] how many may come at once  ARGV[3] how long a probe may take,
-- in ms  ARGV[4]… the names of the circuits in its way
--
-- A circuit is `<probe at> <pause> <probing until> <reason>`, in ms. Returns {'go'}, {'probe'}, {'slot', ms} or {'hold', ms}.

local now = redisNowMs()
local probes = {}
for i = 4, #ARGV do
  local probeAt, circuit = openCircuit(KEYS[1], ARGV[i])
  if probeAt then
    -- One that is being probed may close at any moment.
    if now < circuit.probingUntil then return { 'hold', math.min(1000, circuit.probingUntil - now) } end
    if now < probeAt then return { 'hold', probeAt - now } end
    table.insert(probes, circuit)
  end
end
local stored = redis.call('HMGET', KEYS[3], 'rate', 'rateIntervalMs', 'rateBurst')
local intervalMs, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
if stored[1] then intervalMs, burst = tonumber(stored[2]), tonumber(stored[3]) end
local slot = intervalMs and reserveSlot(KEYS[2], now, intervalMs, burst) or now

-- A probe counts for the limit, but doesn't wait for its slot: those who hold slots before it are held themselves.
if #probes > 0 then
  for _, circuit in ipairs(probes) do
    circuit.probingUntil = now + tonumber(ARGV[3])
    writeCircuit(KEYS[1], circuit)
  end
  return { 'probe' }
end
if slot > now then return { 'slot', math.ceil(slot - now) } end
return { 'go' }
