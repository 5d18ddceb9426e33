# bash completion for efficient-status: the program itself answers what fits, so that this file
# need not change when commands, options or the catalogue do.

_efficient_status() {
    local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]} found
    [[ $word == '=' ]] && word=''  # bash splits --format=json into three words
    COMPREPLY=()
    found=$("$1" completion -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null | cut -f 1)
    case $found in
        :files)
            compopt -o filenames 2>/dev/null
            COMPREPLY=($(compgen -f -- "$word"))
            ;;
        :folders)
            compopt -o filenames 2>/dev/null
            COMPREPLY=($(compgen -d -- "$word"))
            ;;
        *) COMPREPLY=($found) ;;
    esac
}

complete -F _efficient_status efficient-status
