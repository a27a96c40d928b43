# Prints what zsh proposes at the end of the line $2 once the script $1 is loaded. Completion works at
# a terminal only, so an inner zsh has one.
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "source ${(q)0:A:h}/zsh-inner.zsh ${(q)1}"
zpty -r inner discarded '*loaded*'
zpty -n -w inner "$2"$'\t'
zpty -r inner text '*proposals end*'
zpty -d inner
text=${text##*proposals begin}
print -r -- ${${text%%proposals end*}//$'\r'/}
