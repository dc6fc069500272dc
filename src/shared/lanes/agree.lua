-- Says which limits are in force and which worker leads the fleet: that one writes them to the shards.
--
-- KEYS[1] the hash of limits  KEYS[2] the hash of what the workers ask for: `<seen> <rate>|<page rate>`
-- ARGV[1] worker id
-- ARGV[2] 'beat' (it lives, and asks for its limits), 'look', 'take' (it leads, whoever led before) or 'leave'
-- ARGV[3], ARGV[4] of a beat: what its variables ask for, for the fleet and for each page; 'none' for no limit
-- ARGV[5] the highest term that it found in a shard, or 0
--
-- A limit of an operator (`rate`, `pageRate`) wins. Without one the agreed value counts (`asked:…`): it stays until no worker
-- that lives asks for it; then the value of the worker that beats replaces it.
--
-- Returns { rate, its source, page rate, its source, the worker's term or 0 if it does not lead, how long it leads in ms,
-- workers that ask }. A source is 'run-time', 'variable', or '' if nobody has said anything.

local LEASE_MS, RENEWED_BELOW_MS, SILENCE_MS, LONGEST_GAP_MS = 5000, 3500, 30000, 15000
local limits, asks, worker, word = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local now = redisNowMs()
local known = redis.call('HMGET', limits, 'rate', 'pageRate', 'asked:rate', 'asked:pageRate', 'leader', 'term', 'beat')
local lastBeat, term = tonumber(known[7]), tonumber(known[6]) or 0

local leader, leadsUntil = string.match(known[5] or '', '^(%S+) (%d+)$')
leadsUntil = tonumber(leadsUntil or 0)
-- A lease that ends later than it can was written before the clock was set back.
local isLed = leadsUntil > now and leadsUntil <= now + LEASE_MS

if word == 'leave' then
  redis.call('HDEL', asks, worker)
  if leader == worker then redis.call('HDEL', limits, 'leader') end
  return {}
end

-- Forgets the workers that are silent. Returns the others, and what they ask for.
local function readAsks()
  local count, rates, pageRates = 1, {}, {}
  -- While no worker could beat, as when Redis was away or its clock was set, none of them fell silent.
  local gap = now - (lastBeat or now)
  local shift = gap - math.min(math.max(gap, 0), LONGEST_GAP_MS)
  local entries = redis.call('HGETALL', asks)
  for i = 1, #entries, 2 do
    local seen, rate, pageRate = string.match(entries[i + 1], '^(%d+) ([^|]*)|(.*)$')
    seen = math.min((tonumber(seen) or 0) + shift, now)
    if entries[i] == worker then
      -- What it asks for now counts.
    elseif now - seen > SILENCE_MS then
      redis.call('HDEL', asks, entries[i])
    else
      count, rates[rate], pageRates[pageRate] = count + 1, true, true
      if shift ~= 0 then redis.call('HSET', asks, entries[i], string.format('%d %s|%s', seen, rate, pageRate)) end
    end
  end
  return count, rates, pageRates
end

local function agree(field, value, asked, own)
  if value and (asked[value] or value == own) then return value end
  redis.call('HSET', limits, field, own)
  return own
end

local rate, pageRate = known[3], known[4]
local count
if word == 'beat' then
  local rates, pageRates
  count, rates, pageRates = readAsks()
  rate = agree('asked:rate', rate, rates, ARGV[3])
  pageRate = agree('asked:pageRate', pageRate, pageRates, ARGV[4])
  redis.call('HSET', asks, worker, string.format('%d %s|%s', now, ARGV[3], ARGV[4]))
  redis.call('HSET', limits, 'beat', now)
end

-- Each leader has a term of its own, higher than those before it: a shard takes nothing from an earlier one.
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
  count or (leads and 1 or redis.call('HLEN', asks)),
}
