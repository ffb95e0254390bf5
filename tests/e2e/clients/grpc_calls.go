// grpc_calls NAME: the calls of grpc_server.py.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Messages are their bytes, as they are.
type plain struct{}

func (plain) Marshal(v interface{}) ([]byte, error) {
	return *v.(*[]byte), nil
}

func (plain) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (plain) String() string { return "plain" }

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func check(good bool, what string) {
	if !good {
		must(fmt.Errorf("another answer: %s", what))
	}
}

func open(link *grpc.ClientConn, ctx context.Context, path string,
	out, in bool) grpc.ClientStream {
	stream, err := link.NewStream(ctx, &grpc.StreamDesc{
		ClientStreams: out, ServerStreams: in}, "/hello.Hello/"+path)
	must(err)
	return stream
}

func main() {
	name := os.Args[1]
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	link, err := grpc.Dial(name+":443", grpc.WithTransportCredentials(
		credentials.NewTLS(&tls.Config{})),
		grpc.WithDefaultCallOptions(grpc.CallCustomCodec(plain{})))
	must(err)

	var answer []byte
	message := bytes.Repeat([]byte("large"), 40000)
	must(link.Invoke(ctx, "/hello.Hello/One", &message, &answer))
	check(bytes.Equal(answer, append([]byte("hello, "), message...)), "One")

	small := make([]byte, 1000)
	down := open(link, ctx, "Down", false, true)
	must(down.SendMsg(&small))
	must(down.CloseSend())
	n := 0
	for err = down.RecvMsg(&answer); err == nil; err = down.RecvMsg(&answer) {
		n += len(answer)
	}
	check(err == io.EOF && n == 100000, "Down")

	up := open(link, ctx, "Up", true, false)
	for i := 0; i < 100; i++ {
		must(up.SendMsg(&small))
	}
	must(up.CloseSend())
	must(up.RecvMsg(&answer))
	check(string(answer) == "100000", "Up")

	// Each once the one before has been answered.
	both := open(link, ctx, "Both", true, true)
	for i := 0; i < 10; i++ {
		message = []byte(fmt.Sprint(i))
		must(both.SendMsg(&message))
		must(both.RecvMsg(&answer))
		check(string(answer) == "echo:"+string(message), "Both")
	}
	must(both.CloseSend())
	check(both.RecvMsg(&answer) == io.EOF, "Both")
	fmt.Println("hello from", name)
}
