-- dead/discard
--
-- Removes dead letters. A conversation that is held because of one of them goes on; an operator's hold stays.
--
-- KEYS[1] BullMQ's dead letters by time of death
-- ARGV[1] root  ARGV[2] … ids
--
-- Returns 1 for each id, or 0 if its letter was gone. Running the script twice does nothing the second time.

local root = ARGV[1]
local answers = {}
for i = 2, #ARGV do
  local wasThere, lane = takeLetter(root, ARGV[i])
  if lane and forgetHold(root, lane, ARGV[i]) == 'ended' then letLaneGoOn(root, lane) end
  answers[i - 1] = wasThere and 1 or 0
end
wakeForWork(root, redisNowMs())
return answers
