-- lib/alone
--
-- Put before the scripts that handle several messages, pages or sets. If Redis refuses a command for one of them, because somebody else wrote
-- something there, the answer for that one is { 'error', text }, and the others are carried out.

local function alone(work, ...)
  local done, answer = pcall(work, ...)
  if done then return answer end
  return { 'error', type(answer) == 'table' and answer.err or tostring(answer) }
end
