-- lib/turns
--
-- Put before the scripts that hand out messages. Needs holds.lua, limit.lua and places.lua before it.

local MOST_PAGES_LOOKED_AT, PAGES_AT_ONCE = 200, 16

-- Returns how many heads of one page may be under way at once: the operator's number, or the page's share of the fleet.
local pageCount
local function windowSize(root)
  local fleet = readFleet(root)
  if fleet.window > 0 then return fleet.window end
  pageCount = pageCount or math.max(1, redis.call('SCARD', root .. 'pages'))
  return math.max(1, math.ceil(fleet.concurrency / pageCount))
end

-- Returns how many more heads of the page may be released. Heads in backoff or aside don't count, so failures don't stop a page;
-- but with four windows of those it stops, so that its open messages stay bounded. Room beyond `most` need not be exact. Whether
-- anything was put off is asked once in a call, after its settlements.
local isAnythingPutOff
local function roomOf(root, page, most)
  local heads, size = root .. 'heads:' .. page, windowSize(root)
  local busy = redis.call('ZCOUNT', heads, IN_FLIGHT_TEXT, '(' .. KEYLESS)
  if busy == 0 or busy + most < size then return size - busy end
  if isAnythingPutOff == nil then isAnythingPutOff = redis.call('EXISTS', root .. 'send:delayed') == 1 end
  if not isAnythingPutOff then return size - busy end
  local inFlight = redis.call('ZCOUNT', heads, IN_FLIGHT_TEXT, '(' .. BACKOFF)
  return busy - inFlight >= 4 * size and 0 or size - inFlight
end

local function comeBackAt(root, page, time)
  loseTurns(root, { page })
  redis.call('ZADD', root .. 'paced', time, page)
end

-- Returns whether an operator holds the whole page; if so, it leaves the turns. A page in `asleep` takes no share of the fleet; the end
-- of the hold finds it there if it has something to send.
local function isKeptBack(root, page)
  if isNothingHeld(root) or not isPageHeldByOperator(root, page) then return false end
  if leavePages(root, page) then return true end
  redis.call('SMOVE', root .. 'pages', root .. 'asleep', page)
  loseTurns(root, { page })
  return true
end

-- Returns the first ready lanes of the page, at most `most`, and how many there were with the held ones. Held lanes leave their turn
-- and use up no slot. What others have written there, such as a lane of another page, is removed.
local function readyLanes(root, page, heads, most)
  local lanes = redis.call('ZRANGEBYSCORE', heads, '-inf', '(' .. READY_BELOW, 'LIMIT', 0, most)
  local free = {}
  for _, lane in ipairs(lanes) do
    if not isLaneOf(page, lane) then
      redis.call('ZREM', heads, lane)
    elseif isLaneHeldByOperator(root, lane) then
      placeHead(root, lane, HELD)
    else
      free[#free + 1] = lane
    end
  end
  return free, #lanes
end

-- Releases at most `most` heads of the page, as { id, lane } in `found`. If more are ready, the page gets another turn in `again`;
-- if none is, or if the page has no room, it goes to `over`.
local function releaseOf(root, page, most, now, found, again, over)
  if isKeptBack(root, page) then return end
  local heads = root .. 'heads:' .. page
  local room = roomOf(root, page, most)
  local wanted = math.min(most, room)
  if wanted <= 0 then
    over[#over + 1] = page
    return
  end
  local lanes, seen = readyLanes(root, page, heads, wanted + 1)
  local isMore = seen > wanted
  local fleet, nextSlot = readFleet(root), nil
  if fleet.pageIntervalMs > 0 and #lanes > 0 then
    wanted, nextSlot = passPageLimit(root, page, fleet, now, math.min(wanted, #lanes))
  end
  local moves = {}
  for i = 1, math.min(wanted, #lanes) do
    local lane = lanes[i]
    -- If somebody else's key is in place of this lane, the others still go on.
    local id = redis.pcall('LINDEX', root .. 'lane:' .. lane, 0)
    if type(id) == 'string' then
      found[#found + 1] = { id, lane }
      moves[#moves + 1] = IN_FLIGHT_TEXT
      moves[#moves + 1] = lane
    else
      redis.call('ZREM', heads, lane)
    end
  end
  if #moves > 0 then redis.call('ZADD', heads, unpack(moves)) end
  if not isMore and #lanes <= wanted then
    over[#over + 1] = page
    if #moves == 0 then leavePages(root, page) end
  elseif nextSlot then
    comeBackAt(root, page, nextSlot)
  elseif #moves == 2 * room then
    over[#over + 1] = page
  else
    again[#again + 1] = nextTurn(root)
    again[#again + 1] = page
  end
end

-- Releases heads page by page. Returns at most `most` of them, as { id, lane }.
local function releaseHeads(root, most, now)
  local found, looked = {}, 0
  while #found < most and looked < MOST_PAGES_LOOKED_AT do
    local pages = redis.pcall('ZRANGE', root .. 'turns', 0, PAGES_AT_ONCE - 1)
    if #pages == 0 then break end
    local share = math.max(1, math.ceil((most - #found) / #pages))
    local again, over = {}, {}
    for _, page in ipairs(pages) do
      looked = looked + 1
      if #found < most and alone(releaseOf, root, page, math.min(share, most - #found), now, found, again, over) then
        -- Something else is in the place of a key of this page; the next reconcile pass removes it.
        over[#over + 1] = page
      end
    end
    if #again > 0 then redis.call('ZADD', root .. 'turns', unpack(again)) end
    loseTurns(root, over)
  end
  if #found > 0 then
    local ids = {}
    for i, head in ipairs(found) do ids[i] = head[1] end
    redis.pcall('ZREM', root .. 'send:waiting-children', unpack(ids))
  end
  return found
end
