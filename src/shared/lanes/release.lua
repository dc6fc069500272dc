-- Put before the scripts that free or fill room in a page's window. Not a script of its own.
--
-- A lane's head is in exactly one place: its lane stands in the page's `ready` list, or its id is a field of the page's
-- `window` (released, being sent, held) or of its `failing` (in backoff), with the lane as the value.
--
-- root: what every key of the shard starts with, `{<namespace>:<shard>}:`. lane: `<page>/<conversation>`.

local function pageOf(lane)
  return string.match(lane, '^[^/]+')
end

-- How many heads of one page may be released at once. `fleet` is written by the workers' registration: the
-- concurrency of all of them and the operator's fixed window, 0 for a fair share.
local function windowSize(root)
  local fleet = redis.call('HMGET', root .. 'fleet', 'concurrency', 'window')
  local fixed = tonumber(fleet[2] or 0)
  if fixed > 0 then return fixed end
  local concurrency = tonumber(fleet[1] or 50)
  -- A quarter more than the workers can send: the next head waits in BullMQ's list when a request ends.
  return math.max(1, math.ceil(concurrency * 1.25 / math.max(1, redis.call('SCARD', root .. 'pages'))))
end

-- Releases heads of the page's ready lanes into BullMQ's `wait` while the window has room. Bounded: what is left over
-- goes on with the next message that ends.
local function releaseReady(root, page)
  local size = windowSize(root)
  local windowKey = root .. 'window:' .. page
  local room = size - redis.call('HLEN', windowKey)
  if room <= 0 then return end
  -- Heads in backoff are outside the window; a page on which everything fails must not grow without bound.
  local failingKey = root .. 'failing:' .. page
  if redis.call('HLEN', failingKey) >= 4 * size then return end
  local send = root .. 'send:'
  local released = 0
  for _ = 1, 200 do
    if released >= room then break end
    local lane = redis.call('LPOP', root .. 'ready:' .. page)
    if not lane then break end
    local laneKey = root .. 'lane:' .. lane
    local id = redis.call('LINDEX', laneKey, 0)
    if id then
      if redis.call('ZREM', send .. 'waiting-children', id) == 1 then
        redis.call('HSET', windowKey, id, lane)
        redis.call('LPUSH', send .. 'wait', id)
        released = released + 1
      elseif redis.call('EXISTS', send .. id) == 0 then
        -- Somebody removed the job behind our back: the conversation goes on with its next message.
        redis.call('LPOP', laneKey)
        if redis.call('EXISTS', laneKey) == 1 then redis.call('LPUSH', root .. 'ready:' .. page, lane) end
      elseif redis.call('HEXISTS', failingKey, id) == 0 then
        -- An operator has put it into `wait` before its turn, which is now: it needs its place all the same.
        released = released + redis.call('HSET', windowKey, id, lane)
      end
    end
  end
  if released > 0 then redis.call('ZADD', send .. 'marker', 0, '0') end
end

local function becomeReady(root, lane, page, position)
  redis.call(position, root .. 'ready:' .. page, lane)
  releaseReady(root, page)
end

-- Takes an ended message out of its lane and lets the conversation and the page go on.
local function leaveLane(root, lane, id)
  local page = pageOf(lane)
  local laneKey = root .. 'lane:' .. lane
  local wasHead = redis.call('LINDEX', laneKey, 0) == id
  if wasHead then redis.call('LPOP', laneKey) else redis.call('LREM', laneKey, 1, id) end
  redis.call('HDEL', root .. 'window:' .. page, id)
  if wasHead and redis.call('EXISTS', laneKey) == 1 then
    redis.call('RPUSH', root .. 'ready:' .. page, lane)
  end
  releaseReady(root, page)
  if redis.call('EXISTS', root .. 'window:' .. page, root .. 'ready:' .. page, root .. 'failing:' .. page) == 0 then
    redis.call('SREM', root .. 'pages', page)
  end
end

local function leaveBackoff(root, lane, id)
  if redis.call('ZREM', root .. 'backoff', id) == 1 then
    redis.call('HDEL', root .. 'failing:' .. pageOf(lane), id)
  end
end
