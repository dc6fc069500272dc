-- lib/timeline
--
-- Put before the scripts that hand out messages, and before the check for a restore. Needs places.lua before it.
--
-- The field `timeline` of `fleet` names the history that this Redis has; a restore begins another one. `mark` is the position on it: how
-- long the shard has had a leader, in ms. It only grows, and no clock can set it back.

-- A failover, or a crash between two writes of `appendfsync everysec`, sets the mark back by two or three seconds, and by as much again
-- between two notes of the mark. A step that is larger than this is a restore.
local LOST_AT_MOST_MS = 10000

-- Whether Redis is where the worker last saw it, or later, or at most `lostMs` before. `known` is `<timeline> <mark>`, or '' to skip
-- the check.
local function isWhereItWas(root, known, lostMs)
  if known == '' then return true end
  local timeline, mark = string.match(known, '^(%S+) (%d+)$')
  local fleet = readFleet(root)
  return fleet.timeline == timeline and fleet.mark + lostMs >= tonumber(mark)
end
