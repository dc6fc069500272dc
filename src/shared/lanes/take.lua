-- Put before turn.lua. Opens attempts on messages and hands them to a worker. Needs places.lua before it.

-- How often a message may be found open, its worker gone, until it is taken to kill them.
local MOST_CRASHES = 5

local FIELDS = { 'lane', 'place', 'exp', 'attempt', 'crashes', 'name', 'data', 'timestamp', 'used', 'history', 'label', 'policy', 'replays' }

-- It stands in BullMQ's `wait` though it is not its turn: an operator moved it in some dashboard.
local function putWhereItBelongs(root, id, place, job)
  if place == 'ended' then
    redis.call('ZADD', root .. 'send:completed', redisNowMs(), id)
  elseif place == 'put-off' then
    redis.call('ZADD', root .. 'send:delayed', redis.call('HGET', root .. 'send:' .. id, 'next') or 0, id)
  else
    hide(root, id)
  end
end

local function open(root, id, worker, changes)
  redis.call('SET', root .. 'send:' .. id .. ':lock', worker.token, 'PX', worker.lockMs)
  redis.call('HSET', root .. 'send:' .. id, unpack(changes))
end

-- No message of ours has this id. If it was a head, somebody removed its job: the conversation goes on with the next message.
local function takeAway(root, id, laneOfHead)
  if redis.call('DEL', root .. 'send:' .. id) == 1 then return { 'foreign', id } end
  if not laneOfHead then return end
  leaveLane(root, laneOfHead, id)
  redis.call('HINCRBY', root .. 'repairs', 'removed', 1)
end

-- Returns what the worker gets of a message: a verdict, its id, the attempt that is open, and its fields; nothing if it can't
-- have it. `turn` and `laneOfHead` are those of a head that was released for this worker just now; one that was released before has its
-- own.
--   'go'       send it: the attempt is new         'expired'   it is too old
--   'unknown'  a worker died while this attempt was open         'crashed'   the same, once too often
--   'foreign'  no message of ours; it is removed
local function takeOne(root, id, worker, turn, laneOfHead)
  local job = redis.call('HMGET', root .. 'send:' .. id, unpack(FIELDS))
  local lane, place, expiresAt, attempt, crashes = job[1], job[2], tonumber(job[3]) or 0, job[4], tonumber(job[5]) or 0
  if not lane then return takeAway(root, id, laneOfHead) end
  local function given(verdict, named) return { verdict, id, named, unpack(job, 6) } end

  if place == 'sending' then
    -- Somebody sends it, and an operator moved it meanwhile.
    if redis.call('EXISTS', root .. 'send:' .. id .. ':lock') == 1 then return end
    open(root, id, worker, { 'crashes', crashes + 1 })
    return given(crashes + 1 >= MOST_CRASHES and 'crashed' or 'unknown', attempt)
  end
  if not turn and place ~= 'released' then return putWhereItBelongs(root, id, place) end

  worker.attempts = worker.attempts + 1
  local now = redisNowMs()
  local named = string.format('%s%d', worker.name, worker.attempts)
  local changes = { 'place', 'sending', 'attempt', named, 'processedOn', now }
  if turn then
    changes[7] = 'turn'
    changes[8] = turn
  end
  open(root, id, worker, changes)
  return given(now >= expiresAt and 'expired' or 'go', named)
end
