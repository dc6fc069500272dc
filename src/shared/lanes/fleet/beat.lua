-- fleet/beat
--
-- Notes a worker process of this shard, and compares the state of Redis with what the worker remembers. The leader, and a worker that
-- starts or stops, also forgets workers that fell silent and writes
-- the concurrency of all of them. A worker that finds no leader becomes leader. The lease is a field, not a key with an expiry, so that a
-- step back of Redis's clock can't extend it.
--
-- KEYS[1] the hash of workers  KEYS[2] the absent key
-- ARGV[1] root  ARGV[2] worker id  ARGV[3] its record as JSON, or '' when it stops  ARGV[4] silence in ms after which a worker
-- is forgotten  ARGV[5] the operator's fixed window per page, 0 for a fair share  ARGV[6] how long a lease lasts, in ms
-- ARGV[7] the marks that the worker has seen, as JSON, or '' to compare nothing  ARGV[8] '1' if a possible restore holds everything
-- ARGV[9] name of a new timeline
--
-- A record is {"concurrency": …, "seenAt": …} and what `status` shows; this script sets `seenAt`. Returns { '1' if the worker leads,
-- '1' if messages may leave and no worker takes them, the timeline, its mark, the time, what the comparison has shown as JSON, or '' }.

local root, id = ARGV[1], ARGV[2]
local now = redisNowMs()
-- Before this worker is noted: the others show whether workers were alive in the state that Redis has.
local notice = ARGV[7] ~= '' and noticeRestore(root, cjson.decode(ARGV[7]), ARGV[8] == '1', ARGV[9], now)
local isNew

if ARGV[3] == '' then
  isNew = redis.call('HDEL', KEYS[1], id) == 1
  resignLease(root, id)
else
  local record = cjson.decode(ARGV[3])
  record.seenAt = now
  isNew = redis.call('HSET', KEYS[1], id, cjson.encode(record)) == 1
end
local leads = ARGV[3] ~= '' and takeLease(root, id, now, tonumber(ARGV[6]))

local function countConcurrency()
  local concurrency = 0
  local workers = redis.call('HGETALL', KEYS[1])
  for i = 1, #workers, 2 do
    local _, record = pcall(cjson.decode, workers[i + 1])
    -- A worker that lives writes its record again.
    local isRecord = type(record) == 'table' and type(record.seenAt) == 'number' and type(record.concurrency) == 'number'
    if isRecord and record.seenAt > now then
      record.seenAt = now
      redis.call('HSET', KEYS[1], workers[i], cjson.encode(record))
    end
    if not isRecord or now - record.seenAt > tonumber(ARGV[4]) then
      redis.call('HDEL', KEYS[1], workers[i])
    else
      concurrency = concurrency + record.concurrency
    end
  end
  -- While there is no worker, the last concurrency stays, so that a backlog is shared out as before.
  if concurrency > 0 then redis.call('HSET', root .. 'fleet', 'concurrency', concurrency, 'window', ARGV[5]) end
end
-- A stored time that is later than now stays, so that the tick can see that the clock has stepped back.
if (leads or notice) and (readFleet(root).time or 0) < now then redis.call('HSET', root .. 'fleet', timeNoted(root, now)) end
if leads or isNew then countConcurrency() end

local fleet = readFleet(root)
local mayLeave = fleet.intervalMs and fleet.wakeAt < now - HORIZON_MS and fleet.tat <= now
local isIdle = mayLeave and redis.call('EXISTS', root .. 'turns', root .. 'send:wait') > 0
return { leads and '1' or '0', isIdle and '1' or '0', fleet.timeline or '', fleet.mark, now, notice and cjson.encode(notice) or '' }
