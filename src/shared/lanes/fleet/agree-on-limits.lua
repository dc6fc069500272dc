-- fleet/agree-on-limits
--
-- Says which limits are in force, and whether the calling worker leads the fleet; the leader writes the limits to the shards.
--
-- KEYS[1] the hash of limits  KEYS[2] the hash of the limits that the workers ask for: `<seen> <rate>|<page rate>`
-- KEYS[3] the absent key
-- ARGV[1] worker id
-- ARGV[2] 'beat' (the worker lives, and asks for its limits), 'look', 'take' (it becomes leader, even if another one leads) or 'leave'
-- ARGV[3], ARGV[4] of a beat: the limits of its variables, for the fleet and for each page; 'none' for no limit
-- ARGV[5] the highest term that the worker found in a shard, or 0
--
-- A limit of an operator (`rate`, `pageRate`) wins. Otherwise the agreed limit (`asked:…`) counts: it stays until no living worker
-- asks for it; then the next worker that beats replaces it with its own.
--
-- Returns { rate, its source, page rate, its source, the worker's term or 0 if it does not lead, how long it leads in ms,
-- of a beat: number of other workers }. A source is 'run-time' (an operator), 'variable', or '' if no limit was set or agreed.

local LEASE_MS, RENEWED_BELOW_MS, SILENCE_MS, LONGEST_GAP_MS = 5000, 3500, 30000, 15000
local limits, asks, worker, word = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local now = redisNowMs()
local known = redis.call('HMGET', limits, 'rate', 'pageRate', 'asked:rate', 'asked:pageRate', 'leader', 'term')
local term = tonumber(known[6]) or 0

local leader, leadsUntil = string.match(known[5] or '', '^(%S+) (%d+)$')
leadsUntil = tonumber(leadsUntil or 0)
-- A lease that ends later than it can was written before the clock was set back.
local isLed = leadsUntil > now and leadsUntil <= now + LEASE_MS

if word == 'leave' then
  redis.call('HDEL', asks, worker)
  if leader == worker then redis.call('HDEL', limits, 'leader') end
  return {}
end

-- Forgets silent workers. Returns the limits that the others ask for, and their number.
local function readAsks()
  local found, lastSeen = {}, 0
  local entries = redis.call('HGETALL', asks)
  for i = 1, #entries, 2 do
    local seen, rate, pageRate = string.match(entries[i + 1], '^(%d+) ([^|]*)|(.*)$')
    seen = tonumber(seen or 0)
    lastSeen = math.max(lastSeen, seen)
    if entries[i] ~= worker then found[#found + 1] = { id = entries[i], seen = seen, rate = rate, pageRate = pageRate } end
  end
  -- If no worker could beat, because Redis was away or its clock was set, that time doesn't count as silence.
  local gap = #entries > 0 and now - lastSeen or 0
  local shift = gap - math.min(math.max(gap, 0), LONGEST_GAP_MS)
  local count, rates, pageRates = 0, {}, {}
  for _, ask in ipairs(found) do
    local seen = ask.seen + shift
    if not ask.rate or now - seen > SILENCE_MS then
      redis.call('HDEL', asks, ask.id)
    else
      count, rates[ask.rate], pageRates[ask.pageRate] = count + 1, true, true
      if shift ~= 0 then redis.call('HSET', asks, ask.id, string.format('%d %s|%s', seen, ask.rate, ask.pageRate)) end
    end
  end
  return rates, pageRates, count
end

local function agree(field, value, asked, own)
  if value and (asked[value] or value == own) then return value end
  redis.call('HSET', limits, field, own)
  return own
end

local rate, pageRate = known[3], known[4]
local others = 0
if word == 'beat' then
  local rates, pageRates
  rates, pageRates, others = readAsks()
  rate = agree('asked:rate', rate, rates, ARGV[3])
  pageRate = agree('asked:pageRate', pageRate, pageRates, ARGV[4])
  redis.call('HSET', asks, worker, string.format('%d %s|%s', now, ARGV[3], ARGV[4]))
end

-- Each leader's term is higher than all before it, so that shards refuse the limits of an earlier leader.
local function lead()
  if leader ~= worker or tonumber(ARGV[5]) > term then
    term = math.max(term, tonumber(ARGV[5])) + 1
    redis.call('HSET', limits, 'term', term)
  end
  if leader ~= worker or not isLed or leadsUntil < now + RENEWED_BELOW_MS then
    leader, leadsUntil = worker, now + LEASE_MS
    redis.call('HSET', limits, 'leader', string.format('%s %d', leader, leadsUntil))
  end
end

if leader == worker or not isLed or word == 'take' then lead() end
local leads = leader == worker

local function inForce(set, asked)
  if set then return set, 'run-time' end
  return asked or 'none', asked and 'variable' or ''
end

local rateInForce, rateSource = inForce(known[1], rate)
local pageRateInForce, pageRateSource = inForce(known[2], pageRate)
return {
  rateInForce, rateSource, pageRateInForce, pageRateSource, leads and term or 0, leads and leadsUntil - now or 0,
  others,
}
