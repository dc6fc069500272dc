-- lib/alone
--
-- Put before the scripts that handle several messages. If Redis refuses a command for one message, that message's answer is
-- { 'error', text }, and the others are carried out.

local function alone(work, ...)
  local done, answer = pcall(work, ...)
  if done then return answer end
  return { 'error', type(answer) == 'table' and answer.err or tostring(answer) }
end
