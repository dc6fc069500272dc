-- Decides what a worker may do with jobs that BullMQ gave it, and opens an attempt on each that it may send. Each message is
-- decided by itself, as if the others weren't there: they come together only to save round trips.
--
-- KEYS[1] a key of the shard
-- ARGV[1] root  ARGV[2] starts after which a message that never settled counts as crashing its workers
-- ARGV[3] JSON, an array for each message:
--   its id  its lock token  the name of the attempt to open
--   what the fleet says: 'go' (it allows to send), 'ask' (it must be asked for a slot when everything else allows to
--     send), 'probe' (also if the message has its slot), 'slot' (its limit allows it in some ms), 'hold' (the API or the key
--     is held for some ms)
--   those ms
--
-- Returns for each { verdict, … }:
--   'lost'     another worker has the job: leave it alone
--   'foreign'  not a message that was enqueued by us, or already taken apart: let the job end
--   'settled', 'delivered' or 'dead'   the message has ended: let the job end, send nothing
--   'parked'   not its turn; the job is back in waiting-children, without a lock
--   'wait', ms                           not before that
--   'ask'                                ask the fleet, then claim again with its answer
--   'expired' | 'crashed', used, history, lock ms, open attempt or ''
--   'unknown', used, history, lock ms, open attempt   a worker died while this attempt was open
--   'go', used, history, lock ms         the attempt is open: send now; the lock lasts that long from now
--   'error', text                        Redis refused; nothing is known of this one

local root, mostStarts = ARGV[1], tonumber(ARGV[2])
local send = root .. 'send:'
local now = redisNowMs()

local function park(page, id)
  redis.call('DEL', send .. id .. ':lock')
  redis.call('SREM', send .. 'stalled', id)
  redis.call('LREM', send .. 'active', 1, id)
  hide(root, id)
  redis.call('HDEL', root .. 'window:' .. page, id)
  return { 'parked' }
end

-- A slot that was missed by more than this is gone. Until then whoever is late keeps it, and leaves in its turn.
local function isDue(slot) return slot and slot <= now and now - slot <= 10000 end

-- After a moment in which nobody had the time to send, all that was due meanwhile would leave at once. It leaves at little
-- more than the limit's pace instead: in no second by a tenth more than the limit. Only what leaves fills that measure, so
-- that what comes late again costs nothing; those that have to wait take turns.
local function pacesFor(page)
  local fleet, paces = readFleet(root), {}
  local function keepTo(name, intervalMs, burst)
    if intervalMs then table.insert(paces, { name = name, intervalMs = 0.97 * intervalMs, burst = burst }) end
  end
  keepTo('', fleet.intervalMs, fleet.burst)
  keepTo(':' .. page, fleet.pageIntervalMs, fleet.pageBurst)
  return paces
end

local function claimOne(id, token, attempt, word, wordMs)
  local jobKey, lockKey = send .. id, send .. id .. ':lock'
  if redis.call('GET', lockKey) ~= token then return { 'lost' } end

  local job = redis.call('HMGET', jobKey, 'lane', 'exp', 'open', 'used', 'history', 'starts', 'settled', 'next',
    'pageSlot', 'fleetSlot')
  -- What is no number was written by others: such a message is not sent, and ends as one that has expired.
  local lane, expiresAt, open, used, history = job[1], tonumber(job[2]) or 0, job[3], tonumber(job[4]) or 0, job[5] or ''
  local starts, settled, nextAt = tonumber(job[6]) or 0, job[7], tonumber(job[8])
  local pageSlot, fleetSlot = tonumber(job[9]), tonumber(job[10])

  if settled then return { 'settled', settled } end
  local page = lane and pageOf(lane)
  if not page then return { 'foreign' } end

  local laneKey = root .. 'lane:' .. lane

  if redis.call('LINDEX', laneKey, 0) ~= id then
    -- One that an operator took before it was due has no place yet.
    if redis.call('LPOS', laneKey, id) or redis.call('ZSCORE', root .. 'due', id) then return park(page, id) end
    -- Its place is gone (keys were deleted by hand): the end of the conversation is the only safe one left.
    if redis.call('RPUSH', laneKey, id) > 1 then return park(page, id) end
    enterPages(root, page)
  end

  local lockMs = redis.call('PTTL', lockKey)
  -- Our own attempt: the reply was lost with the connection and the client asks again.
  if open == attempt then return { 'go', used, history, lockMs } end
  if starts >= mostStarts then return { 'crashed', used, history, lockMs, open or '' } end
  if open then return { 'unknown', used, history, lockMs, open } end
  if now >= expiresAt then return { 'expired', used, history, lockMs, '' } end

  -- Returns whether it had a slot, whose place another one may have now.
  local function endWait()
    if not (nextAt or pageSlot or fleetSlot) then return false end
    redis.call('HDEL', jobKey, 'next', 'held', 'pageSlot', 'fleetSlot')
    redis.call('ZREM', root .. 'held', id)
    return redis.call('ZREM', root .. 'slots:' .. page, id) == 1
  end

  -- No wait outlasts the message: at its end it expires on time and frees its conversation.
  local function wait(untilMs, list, ...)
    endWait()
    untilMs = math.min(math.ceil(untilMs), expiresAt)
    redis.call('ZADD', list, untilMs, id)
    redis.call('HSET', jobKey, 'next', untilMs, ...)
    return { 'wait', untilMs - now }
  end

  local function waitForSlot(slot, kind)
    return wait(slot, root .. 'slots:' .. page, kind, math.ceil(slot))
  end

  -- The conversation, or its page, waits for an operator: out of the window, where it would keep the place of others.
  local isLaneHeld = isLaneHeldForGood(root, lane)
  if isLaneHeld or isPageHeldForGood(root, page) then
    endWait()
    leaveBackoff(root, lane, id)
    local parked = park(page, id)
    if not isLaneHeld then pushReady(root, lane, page, 'LPUSH') end
    releaseReady(root, page)
    leavePages(root, page)
    return parked
  end

  if nextAt and nextAt > now then return { 'wait', nextAt - now } end

  -- One that is in backoff has a time at which it goes on.
  if nextAt then leaveBackoff(root, lane, id) end
  local windowKey = root .. 'window:' .. page
  if redis.call('HEXISTS', windowKey, id) == 0 then
    if redis.call('HLEN', windowKey) >= windowSize(root) then
      endWait()
      local parked = park(page, id)
      pushReady(root, lane, page, 'LPUSH')
      return parked
    end
    redis.call('HSET', windowKey, id, lane)
  end

  local heldUntil = pageHeldUntil(root, page)
  if heldUntil > 0 and heldUntil <= now then redis.call('HDEL', root .. 'holds', 'timed:' .. page) end
  if word == 'hold' then heldUntil = math.max(heldUntil, now + wordMs) end
  if heldUntil > now then return wait(heldUntil, root .. 'held', 'held', '1') end

  local fleet = readFleet(root)
  local hasFleetSlot = isDue(fleetSlot)
  if fleet.pageIntervalMs and not hasFleetSlot and not isDue(pageSlot) then
    local slot = reserveSlot(root .. 'rate:' .. page, now, fleet.pageIntervalMs, fleet.pageBurst)
    if slot > now then return waitForSlot(slot, 'pageSlot') end
    pageSlot = now
  end

  -- The fleet's delay changes, so it may push two of the page together. What the page can't use at the time that the fleet
  -- gives is lost to the fleet, and the page reserves anew.
  local function pageAllows(time)
    if not (fleet.pageIntervalMs and fleet.intervalMs) or hasFleetSlot then return true end
    local sent = root .. 'sent:' .. page
    local earliest = nextSlot(sent, time, fleet.pageIntervalMs, fleet.pageBurst)
    if earliest > time then
      return false, reserveSlot(root .. 'rate:' .. page, earliest, fleet.pageIntervalMs, fleet.pageBurst)
    end
    reserveSlot(sent, time, fleet.pageIntervalMs, fleet.pageBurst)
    return true
  end

  if word == 'slot' or word == 'go' then
    -- As planned, not as late as it may be: lateness must not add up.
    local time = word == 'slot' and now + wordMs or pageSlot or now
    local allowed, later = pageAllows(time)
    if not allowed then return waitForSlot(later, 'pageSlot') end
    if word == 'slot' then return waitForSlot(time, 'fleetSlot') end
  end
  if word == 'probe' or (word == 'ask' and not hasFleetSlot) then
    if pageSlot then redis.call('HSET', jobKey, 'pageSlot', pageSlot) end
    return { 'ask' }
  end

  local paces = pacesFor(page)
  for _, pace in ipairs(paces) do
    local earliest = nextSlot(root .. 'left' .. pace.name, now, pace.intervalMs, pace.burst, 20)
    if earliest > now then
      local turn = reserveSlot(root .. 'turns' .. pace.name, earliest, pace.intervalMs, 1)
      -- It keeps the slot that it has.
      local kind, slot = 'pageSlot', pageSlot
      if fleet.intervalMs or not slot then kind, slot = 'fleetSlot', hasFleetSlot and fleetSlot or now end
      return wait(turn, root .. 'slots:' .. page, kind, slot)
    end
  end
  for _, pace in ipairs(paces) do reserveSlot(root .. 'left' .. pace.name, now, pace.intervalMs, pace.burst) end

  local hadSlot = endWait()
  redis.call('HSET', jobKey, 'open', attempt, 'starts', starts + 1)
  if hadSlot then releaseReady(root, page) end
  return { 'go', used, history, lockMs }
end

local answers = {}
for i, ticket in ipairs(cjson.decode(ARGV[3])) do answers[i] = alone(claimOne, unpack(ticket)) end
return answers
