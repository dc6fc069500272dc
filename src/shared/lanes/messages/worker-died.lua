-- messages/worker-died
--
-- Put before take.lua. Decides about a message whose worker died in mid-send: its attempt is open, and its lock has ended. BullMQ's check
-- for stalled jobs puts such a message into `wait`. Needs places.lua before it.

-- A message whose worker died in mid-send this often is thought to kill workers, and becomes a dead letter.
local MOST_CRASHES = 5

-- When Redis was away or its clock stepped, locks have ended although their workers may live. From then on these workers have the
-- duration of one lock to settle their attempts. Returns what is left of that time, in ms.
local function graceMs(root, now, lockMs)
  local fleet = readFleet(root)
  if isAfterGap(fleet, now) then return lockMs end
  if not fleet.backAt or fleet.backAt > now then return 0 end
  return math.max(0, fleet.backAt + lockMs - now)
end

local function lockFor(worker, jobKey)
  redis.call('SET', jobKey .. ':lock', worker.token, 'PX', worker.lockMs)
end

-- Returns 'unknown', since nobody can know whether the request was sent, or 'crashed' after too many such deaths; the message is locked
-- for `worker` then. Returns nothing while the worker that opened the attempt may still live and settle it.
local function verdictOnDeath(root, id, attempt, crashes, worker)
  local jobKey = root .. 'send:' .. id
  local ms = graceMs(root, redisNowMs(), tonumber(worker.lockMs))
  if ms > 0 then
    redis.call('SET', jobKey .. ':lock', attempt, 'PX', ms)
    redis.call('LPUSH', root .. 'send:active', id)
    -- Other messages may wait in `wait` behind it.
    return wakeWorker(root)
  end
  local count = (tonumber(crashes) or 0) + 1
  lockFor(worker, jobKey)
  redis.call('HSET', jobKey, 'crashes', count)
  return count >= MOST_CRASHES and 'crashed' or 'unknown'
end
