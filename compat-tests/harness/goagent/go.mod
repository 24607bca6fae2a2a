module github.com/sordini/sordini/compat-tests/harness/goagent

go 1.26.0
