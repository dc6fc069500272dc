-- lib/sleepers
--
-- Put before the scripts that end holds of pages. Needs places.lua before it.

-- The page is held no more: it shares the fleet again if it has something to send.
local function goOn(root, page)
  redis.call('SREM', root .. 'asleep', page)
  enterPages(root, page)
  if not leavePages(root, page) then takeTurn(root, page, nextTurn(root)) end
end

-- Looks at some of the pages that a hold has put to sleep, from `cursor` on, and lets those go on that are held no more. Returns where
-- the next call continues, or '0' if these were the last ones; and whether it found such a page.
local MOST_WOKEN = 500
local function wakeSleepers(root, cursor)
  local found = redis.call('SSCAN', root .. 'asleep', cursor, 'COUNT', MOST_WOKEN)
  local isAnyone = false
  for _, page in ipairs(found[2]) do
    if not isPageHeldByOperator(root, page) then
      alone(goOn, root, page)
      isAnyone = true
    end
  end
  return found[1], isAnyone
end
