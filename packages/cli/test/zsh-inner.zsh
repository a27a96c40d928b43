# The inner zsh of zsh-proposals.zsh: prints proposals instead of showing them.
PROMPT=""
autoload -Uz compinit
compinit -u -D
source $1
bindkey '^I' complete-word
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a proposals
  builtin compadd -A proposals "$@"
  print -rl -- $proposals
  builtin compadd "$@"
}
before_proposals() { print "proposals begin"; }
after_proposals() { print "proposals end"; }
compprefuncs=(before_proposals)
comppostfuncs=(after_proposals)
print load"ed"
