-- fleet/ask-circuit
--
-- Says whether the circuits that a message depends on let it leave now. A probed circuit lets one message through as a probe whenever its
-- pause is over; a paced circuit gives each message a slot, and the message asks again at that time.
--
-- KEYS[1] the circuits  KEYS[2] the slots of messages, by circuit and id  KEYS[3] the absent key
-- ARGV[1] how long a probe may take, in ms  ARGV[2] the message's id  ARGV[3] '1' if it was tried before: it may be the cause itself, so it
-- probes rarely, and others go before it  ARGV[4]… the circuits' fields
--
-- Returns {'go'}, {'hold', ms}, {'slot', ms until the message may leave}, or {'probe', fields…} with the circuits that the message probes.

local SLOTS_KEPT_MS, TOLERANCE_MS = 600000, 2
local now, probeMs, id = redisNowMs(), tonumber(ARGV[1]), ARGV[2]
local probes, paced = {}, {}

for i = 4, #ARGV do
  local circuit = readCircuit(KEYS[1], ARGV[i], now)
  if circuit and circuit.perSecond then
    table.insert(paced, { ARGV[i], circuit })
  elseif circuit then
    local probingMs = circuit.probingUntil - now
    -- A circuit that is being probed may close at any moment. A probe that ends later than it can began before Redis's clock stepped back.
    if probingMs > 0 and probingMs <= probeMs then return { 'hold', math.min(1000, probingMs) } end
    local probeAt = ARGV[3] == '1' and math.max(circuit.probeAt, circuit.triedAt or 0) or circuit.probeAt
    if now < probeAt then return { 'hold', probeAt - now } end
    table.insert(probes, { ARGV[i], circuit })
  end
end

-- Returns the time of the message's slot. A slot from before the last refusal, or before the API lets messages leave, is void.
local function slotOf(field, circuit)
  local reserved, epoch = string.match(redis.call('HGET', KEYS[2], field .. ' ' .. id) or '', '^(%d+) (%d+)$')
  local slot = tonumber(reserved)
  if slot and tonumber(epoch) == circuit.refusedAt and slot >= circuit.probeAt then return slot end
  slot = reserveSlot(circuit, now)
  writeCircuit(KEYS[1], field, circuit)
  redis.call('HSET', KEYS[2], field .. ' ' .. id, string.format('%d %d', slot, circuit.refusedAt))
  redis.call('PEXPIRE', KEYS[2], SLOTS_KEPT_MS)
  return slot
end

local waitMs = 0
for _, one in ipairs(paced) do
  local field, circuit = unpack(one)
  if isPaceOver(circuit, now) then
    redis.call('HDEL', KEYS[1], field)
  else
    waitMs = math.max(waitMs, slotOf(field, circuit) - now)
  end
end
if waitMs > TOLERANCE_MS then return { 'slot', waitMs } end
for _, one in ipairs(paced) do redis.call('HDEL', KEYS[2], one[1] .. ' ' .. id) end

local answer = { #probes > 0 and 'probe' or 'go' }
for _, one in ipairs(probes) do
  local field, circuit = unpack(one)
  circuit.probingUntil = now + probeMs
  writeCircuit(KEYS[1], field, circuit)
  table.insert(answer, field)
end
return answer
