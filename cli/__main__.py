from prefect_genmedia.cli.commands import main

main()
